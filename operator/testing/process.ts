import { spawn, type ChildProcess } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { config, until } from '../kube/testing/cluster.ts'
import { Proxy } from '../kube/testing/proxy.ts'

/** For tests: operator/main.ts as a process of this machine, for one namespace, with its Lease there too. */
export interface OperatorProcess {
  /** Between it and the API server: knows every request, whatever the process says of itself. */
  proxy: Proxy
  /** `SIGSTOP` and `SIGCONT` as well. */
  kill(signal: NodeJS.Signals): void
  /** Resolves with its exit code, or the signal that ended it. */
  exited: Promise<number | NodeJS.Signals | null>
  /** Ends it for good. */
  [Symbol.asyncDispose](): Promise<void>
}

/** Resolves when it is ready, as its readiness probe would find. @param name  who it is in the Lease */
export async function startOperator(name: string, namespaces: [string, ...string[]]): Promise<OperatorProcess> {
  const proxy = new Proxy(config)
  const { server } = await proxy.start()
  const folder = await mkdtemp(join(tmpdir(), 'operator-'))
  const kubeconfig = join(folder, 'kubeconfig')
  await writeFile(kubeconfig, kubeconfigFor(server))
  const port = await freePort()
  const env = {
    PATH: process.env['PATH'],
    KUBECONFIG: kubeconfig,
    WATCH_NAMESPACES: namespaces.join(),
    POD_NAMESPACE: namespaces[0],
    POD_NAME: name,
    HTTP_PORT: String(port),
    LOG_LEVEL: process.env['LOG_LEVEL'] ?? 'fatal',
    IMAGE_POSTGRES: 'localhost/none:1',
    IMAGE_CLICKHOUSE: 'localhost/none:1',
    IMAGE_PGBOUNCER: 'localhost/none:1',
    IMAGE_NATS: 'localhost/none:1',
    IMAGE_ELASTICSEARCH: 'localhost/none:1',
    IMAGE_REDIS: 'localhost/none:1',
    IMAGE_PLATFORM: 'localhost/none:1',
  }
  const child = spawn(process.execPath, ['operator/main.ts'], { env, stdio: ['ignore', 'inherit', 'inherit'] })
  const exited = exitOf(child)
  const dispose = async () => {
    child.kill('SIGKILL')
    await exited
    proxy.close()
    await rm(folder, { recursive: true })
  }
  try {
    await until(async () => {
      if (child.exitCode !== null) throw new Error(`operator/main.ts ended with code ${child.exitCode}`)
      return (await statusOf(`http://127.0.0.1:${port}/readyz`)) === 200
    }, 120_000)
  } catch (error) {
    await dispose()
    throw error
  }
  return { proxy, exited, kill: (signal) => void child.kill(signal), [Symbol.asyncDispose]: dispose }
}

async function freePort(): Promise<number> {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function statusOf(url: string): Promise<number | undefined> {
  try {
    return (await fetch(url)).status
  } catch {
    return undefined // nobody listens there yet
  }
}

function exitOf(child: ChildProcess): Promise<number | NodeJS.Signals | null> {
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('exit', (code, signal) => resolve(code ?? signal))
  })
}

function kubeconfigFor(server: string): string {
  const name = 'proxy'
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Config',
    // The library wants to be told that plain HTTP is meant.
    clusters: [{ name, cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name, user: {} }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  })
}
