import { spawn } from 'node:child_process'
import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { createInterface } from 'node:readline'

/** Lines of output an error quotes: the end of a build says what went wrong. */
const quotedLines = 60

/**
 * Runs a program to its end and returns what it printed on standard output and standard error, as lines.
 * @param onLine  called with each line as it comes
 * @throws        Error naming the command, with the last lines of its output, when it cannot start or does not exit with 0
 */
export async function run(command: string[], onLine: (line: string) => void = () => {}): Promise<string[]> {
  const [program = '', ...args] = command
  const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const lines: string[] = []
  const collect = (line: string) => {
    lines.push(line)
    onLine(line)
  }
  createInterface(child.stdout).on('line', collect)
  createInterface(child.stderr).on('line', collect)
  const failure = await new Promise<string | undefined>((resolve) => {
    child.on('error', (error) => resolve(error.message))
    child.on('close', (code, signal) => resolve(code === 0 ? undefined : `exit ${signal ?? code}`))
  })
  if (failure !== undefined) {
    throw new Error(`${command.join(' ')}: ${failure}\n${lines.slice(-quotedLines).join('\n')}`)
  }
  return lines
}

/** Those of the given programs that no folder of PATH holds. */
export async function missingPrograms(programs: string[]): Promise<string[]> {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const found = async (program: string) =>
    (await Promise.allSettled(folders.map((folder) => access(join(folder, program), constants.X_OK)))).some(
      ({ status }) => status === 'fulfilled',
    )
  const present = await Promise.all(programs.map(found))
  return programs.filter((_, index) => !present[index])
}
