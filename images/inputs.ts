import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join, matchesGlob, relative } from 'node:path'

/** Which files of a folder enter a build: those under `include`, less those that a pattern of `exclude` names or contains. */
export interface ContextRules {
  include: string[]
  exclude: string[]
}

/**
 * Reads the form of .dockerignore that this project uses: first `*`, then one `!name` for each file or folder let in,
 * then patterns that take out again.
 * @throws Error naming the line that has another form
 */
export function parseContextRules(text: string): ContextRules {
  const [first = '', ...rest] = text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  const firstExclusion = rest.findIndex((line) => !line.startsWith('!'))
  const included = firstExclusion === -1 ? rest : rest.slice(0, firstExclusion)
  const exclude = rest.slice(included.length)
  const wrong = first === '*' ? exclude.find((line) => !line.startsWith('**/')) : first
  if (wrong !== undefined) {
    throw new Error(`expected "*", then "!name" lines, then "**/pattern" lines, not "${wrong}"`)
  }
  return { include: included.map((line) => line.slice(1)), exclude }
}

/** Whether a path relative to the build context, with `/` between its parts, enters the build. */
export function isIncluded(rules: ContextRules, path: string): boolean {
  const inside = rules.include.some((name) => path === name || path.startsWith(`${name}/`))
  return inside && !rules.exclude.some((pattern) => matchesGlob(path, pattern) || matchesGlob(path, `${pattern}/**`))
}

/**
 * The files of a build context, sorted, relative to it. Without rules: every file of the folder.
 * @throws Error when a name that the rules let in does not exist
 */
export async function contextFiles(context: string, rules?: ContextRules): Promise<string[]> {
  const names = rules?.include ?? (await readdir(context))
  const files = (await Promise.all(names.map((name) => filesUnder(context, name)))).flat().sort()
  return rules ? files.filter((file) => isIncluded(rules, file)) : files
}

async function filesUnder(context: string, name: string): Promise<string[]> {
  try {
    const entries = await readdir(join(context, name), { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => !entry.isDirectory())
      .map((entry) => relative(context, join(entry.parentPath, entry.name)))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOTDIR') return [name]
    throw error
  }
}

/**
 * Twelve hexadecimal digits that change when a file, its path or a parameter of the build changes.
 * @param parameters  everything else the image depends on: build arguments and the base image's id
 */
export async function hashInputs(
  context: string,
  files: string[],
  parameters: Record<string, string>,
): Promise<string> {
  const hash = createHash('sha256').update(JSON.stringify(Object.entries(parameters).sort()))
  for (const file of files) {
    const content = await readFile(join(context, file))
    // The length keeps the end of one file and the path of the next apart.
    hash.update(`\n${file}\n${content.length}\n`).update(content)
  }
  return hash.digest('hex').slice(0, 12)
}
