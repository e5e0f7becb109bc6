import { KubeConfig } from '@kubernetes/client-node'
import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import type { AddressInfo, Server } from 'node:net'
import { promisify } from 'node:util'
import { afterAll } from 'vitest'
import type { KubeObject } from '../../crds/object.ts'
import { forward } from './port-forward.ts'

const run = promisify(execFile)

/** For tests: a namespace of its own in the cluster that KUBECONFIG names, under Pod Security restricted; deleted at the end. */
export interface Lab {
  namespace: string
  /** Standard output of kubectl in that namespace. */
  kubectl(...args: string[]): Promise<string>
  apply(objects: KubeObject[]): Promise<void>
  /** Makes a port of a pod reachable; resolves to the port on 127.0.0.1. */
  forward(pod: string, port: number): Promise<number>
}

/** Called where the test file is loaded, not in a hook: vitest would forget its afterAll. */
export async function createLab(): Promise<Lab> {
  const namespace = `lab-${randomBytes(4).toString('hex')}`
  const servers: Server[] = []
  const kubectl = (args: string[], input = '') => kubectlIn(namespace, args, input)
  await kubectl(['create', 'namespace', namespace])
  afterAll(async () => {
    for (const server of servers) server.close()
    await kubectl(['delete', 'namespace', namespace, '--wait=false'])
  })
  await kubectl(['label', 'namespace', namespace, 'pod-security.kubernetes.io/enforce=restricted'])
  return {
    namespace,
    kubectl: (...args) => kubectl(args),
    async apply(objects) {
      const list = { apiVersion: 'v1', kind: 'List', items: objects }
      await kubectl(['apply', '--server-side', '--force-conflicts', '-f', '-'], JSON.stringify(list))
    },
    async forward(pod, port) {
      const config = new KubeConfig()
      config.loadFromDefault()
      const server = await forward(config, namespace, pod, port)
      servers.push(server)
      return (server.address() as AddressInfo).port
    },
  }
}

async function kubectlIn(namespace: string, args: string[], input: string): Promise<string> {
  const running = run('kubectl', ['--namespace', namespace, ...args], { maxBuffer: 2 ** 26 })
  running.child.stdin?.end(input)
  return (await running).stdout
}

/** An image the operator of that cluster was given, such as `IMAGE_POSTGRES`; the environment variable of that name comes first. */
export async function operatorImage(variable: string): Promise<string> {
  const given = process.env[variable]
  if (given) return given
  const { stdout } = await run('kubectl', [
    'get',
    'deployments',
    '--all-namespaces',
    '--selector=app.kubernetes.io/name=matching-operator',
    `--output=jsonpath={.items[*].spec.template.spec.containers[*].env[?(@.name=="${variable}")].value}`,
  ])
  const [image] = stdout.split(' ')
  if (!image) throw new Error(`the operator is not installed in this cluster: run make up, or set ${variable}`)
  return image
}
