import { spawn } from 'node:child_process'

/** The platform the demo talks to; CLUSTER and NAMESPACE name another. */
export const cluster = process.env['CLUSTER'] ?? 'demo'
export const namespace = process.env['NAMESPACE'] ?? 'supersmartmatch'

/** Runs kubectl in the namespace and returns what it printed. @throws with kubectl's own words */
export async function kubectl(args: string[], input?: string): Promise<string> {
  const child = spawn('kubectl', ['-n', namespace, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  let [out, problems] = ['', '']
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()))
  child.stderr.on('data', (chunk: Buffer) => (problems += chunk.toString()))
  // One that ends before it read everything says why on stderr; the broken pipe says nothing more.
  child.stdin.on('error', () => undefined)
  child.stdin.end(input ?? '')
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', () => reject(new Error('kubectl is not on the PATH: run `make up`, or install it')))
    child.on('close', resolve)
  })
  if (code !== 0) throw new Error(problems.trim() || `kubectl ${args.join(' ')} ended with ${code}`)
  return out
}

/** Forwards a local port to a Service while `work` runs. */
export async function withPortForward<T>(service: string, port: number, work: (url: string) => Promise<T>): Promise<T> {
  const child = spawn('kubectl', ['-n', namespace, 'port-forward', `svc/${service}`, `:${port}`, '--address=127.0.0.1'])
  let problems = ''
  child.stderr.on('data', (chunk: Buffer) => (problems += chunk.toString()))
  try {
    const local = await new Promise<string>((resolve, reject) => {
      child.stdout.on('data', (chunk: Buffer) => {
        const found = /127\.0\.0\.1:(\d+) ->/.exec(chunk.toString())?.[1]
        if (found) resolve(found)
      })
      child.on('close', () => reject(new Error(`kubectl port-forward ended: ${problems.trim()}`)))
    })
    return await work(`http://127.0.0.1:${local}`)
  } finally {
    child.kill()
  }
}

/** Prints one sentence instead of a stack: who runs the demo wants to know what to do. */
export function fail(error: unknown): never {
  console.error(error instanceof Error ? error.message : String(error))
  process.exit(1)
}
