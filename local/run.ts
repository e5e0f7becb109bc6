import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'

/** A command that ended with an error: `message` carries its last lines, `output` everything it wrote. */
export class CommandError extends Error {
  readonly output: string
  constructor(command: string, reason: string, output: string) {
    const tail = output.trimEnd().split('\n').slice(-15).join('\n')
    super(`${command}: ${reason}${tail === '' ? '' : `\n${tail}`}`)
    this.output = output
  }
}

export interface RunOptions {
  cwd?: string
  env?: Record<string, string>
  /** Written to the command's standard input. */
  input?: string
  /** Called for each line of either output, as it comes. */
  onLine?: (line: string) => void
}

/**
 * Runs a command to its end and returns its standard output.
 * @throws CommandError when it cannot be started, ends with another code than 0, or dies by a signal
 */
export async function run(command: string, args: string[], options: RunOptions = {}): Promise<string> {
  const shown = [command, ...args].join(' ').slice(0, 200)
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: { ...process.env, ...options.env },
      stdio: ['pipe', 'pipe', 'pipe'],
    })
    let standardOutput = ''
    let output = ''
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      standardOutput += chunk
      output += chunk
    })
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => (output += chunk))
    if (options.onLine) {
      createInterface({ input: child.stdout }).on('line', options.onLine)
      createInterface({ input: child.stderr }).on('line', options.onLine)
    }
    child.on('error', (error) => reject(new CommandError(shown, error.message, '')))
    child.on('close', (code, signal) => {
      if (code === 0) resolve(standardOutput)
      else reject(new CommandError(shown, signal ? `killed by ${signal}` : `exit code ${code}`, output))
    })
    // A command that ends without reading its input is judged by its exit code, not by the broken pipe.
    child.stdin.on('error', () => undefined)
    child.stdin.end(options.input ?? '')
  })
}

/** Whether the command ends with 0; for questions such as "does this table exist". */
export async function succeeds(command: string, args: string[]): Promise<boolean> {
  try {
    await run(command, args)
    return true
  } catch (error) {
    if (error instanceof CommandError) return false
    throw error
  }
}

export const sleep = async (milliseconds: number): Promise<void> =>
  new Promise((resolve) => setTimeout(resolve, milliseconds))

/**
 * Asks `check` every `intervalMs` until it returns undefined (done).
 * @param check what is still missing, as text for the reader
 * @throws Error naming what was still missing after `timeoutMs`
 */
export async function waitFor(
  what: string,
  timeoutMs: number,
  check: () => Promise<string | undefined>,
  intervalMs = 500,
): Promise<void> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const missing = await check()
    if (missing === undefined) return
    if (performance.now() > deadline) {
      throw new Error(`${what} not ready after ${Math.round(timeoutMs / 1000)} s: ${missing}`)
    }
    await sleep(intervalMs)
  }
}
