import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** Where the cases put their objects: the namespace of the samples, the only one the operator watches. */
const namespace = 'supersmartmatch'

/** The object as the API server returns it. */
export interface LiveObject {
  apiVersion: string
  kind: string
  metadata: { name: string; uid?: string; labels?: Record<string, string> }
  [field: string]: unknown
}

/** kubectl said no. `message` is its standard error. */
export class KubectlError extends Error {
  override name = 'KubectlError'
}

const run = promisify(execFile)

/**
 * Runs kubectl on the cluster that KUBECONFIG names, in the namespace of the cases; resolves to its standard output.
 * @param input  for `-f -`
 * @throws KubectlError
 */
export async function kubectl(args: string[], input = ''): Promise<string> {
  const running = run('kubectl', ['--namespace', namespace, ...args], { maxBuffer: 2 ** 26 })
  running.child.stdin?.end(input)
  try {
    return (await running).stdout
  } catch (error) {
    throw new KubectlError((error as { stderr?: string }).stderr?.trim() || String(error))
  }
}

/** `kind` as kubectl takes it (`mc`, `statefulset`, `Deployment.apps`); undefined when there is no such object. */
export async function get(kind: string, name: string): Promise<LiveObject | undefined> {
  const text = await kubectl(['get', kind, name, '--ignore-not-found', '--output=json'])
  return text.trim() ? (JSON.parse(text) as LiveObject) : undefined
}
