import { execFileSync } from 'node:child_process'
import { join } from 'node:path'

export const root = join(import.meta.dirname, '..')

/** helm, kubectl and kubeconform of the local cluster first, else those of the machine. */
export const env = { ...process.env, PATH: `${join(root, '.local/bin')}:${process.env['PATH'] ?? ''}` }

/** Runs helm. @throws with its message */
export function helm(...args: string[]): string {
  return execFileSync('helm', args, { env, encoding: 'utf8', stdio: 'pipe', cwd: root })
}

/** What release `operator` of a chart would be in namespace `system`, as YAML. */
export function template(chart: string, ...values: string[]): string {
  return helm('template', 'operator', `charts/${chart}`, '--namespace=system', ...values)
}
