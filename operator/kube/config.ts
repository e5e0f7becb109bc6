import { readFile } from 'node:fs/promises'
import type { RequestOptions } from 'node:https'
import { isIPv6 } from 'node:net'

const podFiles = '/var/run/secrets/kubernetes.io/serviceaccount'
/** Bound tokens are replaced an hour before they end; client-go re-reads as often. */
const tokenMaxAgeMs = 60_000

/** How to reach and be known to an API server. */
export interface KubeConfig {
  /** e.g. `https://10.0.0.1:443`, no trailing slash. */
  server: string
  tls: { ca?: string; cert?: string; key?: string; servername?: string; rejectUnauthorized?: boolean }
  /** Value of the Authorization header; undefined with a client certificate. `fresh` forces a re-read, after a 401. */
  authorization(fresh: boolean): Promise<string | undefined>
}

/**
 * In a pod: the service account's token, CA and the API server's address. With KUBECONFIG set, that file's current context.
 * @throws when there is neither
 */
export async function loadKubeConfig(env: NodeJS.ProcessEnv = process.env): Promise<KubeConfig> {
  if (env['KUBECONFIG']) return fromKubeconfig(env['KUBECONFIG'])
  const host = env['KUBERNETES_SERVICE_HOST']
  const port = env['KUBERNETES_SERVICE_PORT']
  if (!host || !port) throw new Error('no API server: set KUBECONFIG, or run in a pod')
  return fromPod(host, port, podFiles)
}

export async function fromPod(host: string, port: string, folder: string): Promise<KubeConfig> {
  const ca = await readFile(`${folder}/ca.crt`, 'utf8')
  const authorization = remembered(async () => `Bearer ${(await readFile(`${folder}/token`, 'utf8')).trim()}`)
  return { server: `https://${isIPv6(host) ? `[${host}]` : host}:${port}`, tls: { ca }, authorization }
}

/** The library is loaded only here: importing it alone takes 90 MB. It knows every way a kubeconfig can authenticate. */
async function fromKubeconfig(path: string): Promise<KubeConfig> {
  const { KubeConfig: Loader } = await import('@kubernetes/client-node')
  const loader = new Loader()
  loader.loadFromFile(path)
  const cluster = loader.getCurrentCluster()
  if (!cluster) throw new Error(`${path} has no current context with a cluster`)
  const credentials = async () => {
    const options: RequestOptions = {}
    await loader.applyToHTTPSOptions(options)
    return options
  }
  const first = await credentials()
  const authorization = remembered(async () => bearer(await credentials()))
  return {
    server: cluster.server.replace(/\/+$/, ''),
    tls: {
      ...text('ca', first.ca),
      ...text('cert', first.cert),
      ...text('key', first.key),
      ...text('servername', cluster.tlsServerName),
      ...(cluster.skipTLSVerify ? { rejectUnauthorized: false } : {}),
    },
    authorization,
  }
}

function bearer(options: RequestOptions): string | undefined {
  const headers = options.headers as Record<string, string> | undefined
  return headers?.['Authorization'] ?? (options.auth ? `Basic ${btoa(options.auth)}` : undefined)
}

function text(name: string, value: unknown): Record<string, string> {
  return typeof value === 'string' || Buffer.isBuffer(value) ? { [name]: value.toString() } : {}
}

function remembered(read: () => Promise<string | undefined>): KubeConfig['authorization'] {
  let value: string | undefined
  let readAtMs = -Infinity
  return async (fresh) => {
    if (fresh || performance.now() - readAtMs > tokenMaxAgeMs) {
      value = await read()
      readAtMs = performance.now()
    }
    return value
  }
}
