import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

export interface Difference {
  path: string
  problem: 'missing' | 'stale' | 'no longer generated'
}

const root = join(import.meta.dirname, '..')

/**
 * How the files on disk differ from what they should be.
 * @param files    path from the repository's root -> text
 * @param folders  where a file that says it is generated must still be so; others may lie beside it
 */
export function differences(files: Map<string, string>, folders: string[]): Difference[] {
  const wrong = [...files].flatMap(([path, text]): Difference[] => {
    if (!existsSync(join(root, path))) return [{ path, problem: 'missing' }]
    return readFileSync(join(root, path), 'utf8') === text ? [] : [{ path, problem: 'stale' }]
  })
  const present = folders.flatMap((folder) =>
    existsSync(join(root, folder)) ? readdirSync(join(root, folder)).map((name) => `${folder}/${name}`) : [],
  )
  const orphans = present.filter((path) => !files.has(path) && saysGenerated(path))
  return [...wrong, ...orphans.map((path): Difference => ({ path, problem: 'no longer generated' }))]
}

function saysGenerated(path: string): boolean {
  return /^(<!-- |# )?Generated .*do not edit/im.test(readFileSync(join(root, path), 'utf8'))
}

/** Makes the files on disk what they should be; files that are right already are not touched. */
export function write(files: Map<string, string>, found: Difference[]): void {
  for (const { path, problem } of found) {
    if (problem === 'no longer generated') rmSync(join(root, path))
    else writeText(join(root, path), files.get(path) ?? '')
    console.log(`${path}: ${problem === 'no longer generated' ? 'removed' : 'written'}`)
  }
}

function writeText(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, text)
}
