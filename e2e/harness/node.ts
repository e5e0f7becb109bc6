import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** What only the node can do: the Makefile names a command for each, and so may whoever tests another cluster. @returns what it prints */
export async function onNode(
  variable: 'ISOLATE_POD' | 'KILL_POD' | 'RESTART_API_SERVER',
  argument = '',
): Promise<string> {
  const command = process.env[variable]
  if (!command) throw new Error(`${variable} names no command: the Makefile says what it is for`)
  return (await promisify(execFile)('sh', ['-c', `${command} ${argument}`])).stdout
}
