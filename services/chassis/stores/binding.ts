import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { bindingKeys } from '../../../crds/binding.ts'
import type { Binding } from '../../../crds/binding.ts'

/**
 * A mounted binding Secret: one file per key.
 * @throws Error naming every missing or empty key
 */
export async function readBinding(dir: string): Promise<Binding> {
  const entries = await Promise.all(bindingKeys.map(async (key) => [key, await readKey(dir, key)] as const))
  const missing = entries.filter(([, value]) => value === '').map(([key]) => key)
  if (missing.length > 0) throw new Error(`The binding in ${dir} lacks ${missing.join(', ')}`)
  return Object.fromEntries(entries) as Binding
}

async function readKey(dir: string, key: string): Promise<string> {
  try {
    return (await readFile(join(dir, key), 'utf8')).trim()
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return ''
    throw error
  }
}
