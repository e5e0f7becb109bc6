import { binary } from './binaries.ts'
import { adminKubeconfig } from './paths.ts'
import { CommandError, run } from './run.ts'

/** Runs our kubectl as the cluster's administrator. */
export async function kubectl(args: string[], input?: string): Promise<string> {
  return run(binary('kubectl'), ['--kubeconfig', adminKubeconfig, ...args], input === undefined ? {} : { input })
}

/** Makes the objects as given, taking fields back that someone else changed. */
export async function apply(objects: object): Promise<void> {
  const options = ['apply', '--server-side', '--force-conflicts', '--field-manager=supersmartmatch-local']
  await kubectl([...options, '-f', '-'], JSON.stringify(objects))
}

/** One object as JSON; undefined when there is no such object or kind. */
export async function find(args: string[]): Promise<unknown> {
  try {
    return JSON.parse(await kubectl(['get', ...args, '-o', 'json'])) as unknown
  } catch (error) {
    if (error instanceof CommandError && /NotFound|doesn't have a resource type/.test(error.output)) return undefined
    throw error
  }
}
