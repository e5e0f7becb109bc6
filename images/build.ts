import { mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { ensureBase, inTemporaryFolder, npmSecrets } from './base.ts'
import type { BaseName } from './base.ts'
import { missingPrograms, run } from './command.ts'
import { contextFiles, hashInputs, parseContextRules } from './inputs.ts'

/** The images, in the order the local cluster needs them. */
export const imageNames = [
  'pause',
  'postgres',
  'clickhouse',
  'pgbouncer',
  'nats',
  'elasticsearch',
  'redis',
  'platform',
] as const
export type ImageName = (typeof imageNames)[number]

export interface BuiltImage {
  /** `localhost/supersmartmatch/<name>:<hash of the image's inputs>` */
  reference: string
  /** Path of a docker-archive that holds the image under that reference. */
  archive: string
}

const root = join(import.meta.dirname, '..')
const cache = '/var/cache/supersmartmatch/images'
/** Archives of one image that stay: the current one and the one before, for a change that is taken back. */
const keptArchives = 2
const bases: Record<ImageName, BaseName> = {
  pause: 'debian',
  postgres: 'debian',
  clickhouse: 'node',
  pgbouncer: 'debian',
  // Of its build only: the image has no base.
  nats: 'debian',
  elasticsearch: 'debian',
  redis: 'debian',
  platform: 'node',
}

/**
 * Builds an image on a local base with buildah, unless an image of the same inputs is in the cache. Needs no daemon and no registry.
 * @param log  called with one line per step of the build
 * @throws     Error saying what to install when a program is missing, or with the end of the build's output when it fails
 */
export async function buildImage(name: ImageName, log: (line: string) => void): Promise<BuiltImage> {
  await requireTools(name)
  await mkdir(cache, { recursive: true })
  const base = await ensureBase(bases[name], cache, log)
  const context = name === 'platform' ? root : folder(name)
  const labels = await labelArguments()
  const hash = await hashInputs(root, await inputFiles(name), { ...labels, base: base.id })
  const reference = `localhost/supersmartmatch/${name}:${hash}`
  const archive = join(cache, `${name}-${hash}.tar`)
  if (await touch(archive)) return { reference, archive }

  const buildArguments = Object.entries({ ...labels, BASE: base.reference })
  await inTemporaryFolder(cache, async (work) => {
    const options = buildArguments.flatMap(([key, value]) => ['--build-arg', `${key}=${value}`])
    options.push('--file', join(folder(name), 'Containerfile'), '--tag', reference)
    if (bases[name] === 'node') options.push(...(await npmSecrets(work)))
    if (name === 'platform') options.push('--ignorefile', ignoreFile)
    if (name === 'nats') options.push('--build-context', `build=${await compileServer(work)}`)
    if (name === 'elasticsearch') options.push('--build-context', `server=${await fetchServer(work)}`)
    const onLine = (line: string) => {
      if (line.includes('STEP ')) log(`${name}: ${line.slice(line.indexOf('STEP '), 110)}`)
    }
    await run(['buildah', 'build', '--isolation', 'chroot', '--layers', ...options, context], onLine)
    log(`${name}: writing ${archive}`)
    // docker-archive, because its layers are not compressed: compressing takes longer than building after an edit.
    const unfinished = join(work, 'image.tar')
    await run(['buildah', 'push', '--quiet', reference, `docker-archive:${unfinished}:${reference}`])
    await rename(unfinished, archive)
  })
  await prune(name)
  return { reference, archive }
}

/** The first stage of the nats image, by this machine's Go. @returns the folder that holds the server */
async function compileServer(work: string): Promise<string> {
  const target = join(work, 'build')
  const flags = ['-mod=readonly', '-trimpath', '-buildvcs=false', '-ldflags=-s -w', '-o', join(target, 'nats-server')]
  await run([
    'env',
    'CGO_ENABLED=0',
    'go',
    '-C',
    folder('nats'),
    'build',
    ...flags,
    'github.com/nats-io/nats-server/v2',
  ])
  return target
}

/** Elasticsearch's server out of Maven's repositories, by this machine's Maven and its settings. @returns the folder that holds it */
async function fetchServer(work: string): Promise<string> {
  const target = join(work, 'server')
  const project = join(folder('elasticsearch'), 'pom.xml')
  await run(['mvn', '--batch-mode', '--quiet', '--file', project, 'process-resources', `-Des.folder=${target}`])
  return target
}

/** @throws Error, in one sentence, when this machine cannot build the image */
async function requireTools(name: ImageName): Promise<void> {
  const needed = ['buildah', 'mmdebstrap', 'npm', ...(name === 'elasticsearch' ? ['mvn'] : [])]
  const missing = (await missingPrograms(needed)).map((program) => (program === 'mvn' ? 'maven' : program))
  if (missing.length > 0) {
    throw new Error(
      `Building images needs ${missing.join(', ')}: apt-get install --no-install-recommends ${missing.join(' ')}`,
    )
  }
  if (process.getuid?.() !== 0) throw new Error('Building images with buildah needs root')
}

const folder = (name: ImageName) => join(import.meta.dirname, name)
const ignoreFile = join(folder('platform'), 'Containerfile.dockerignore')

/** Everything in the checkout that decides what the image becomes, relative to the root of the checkout. */
async function inputFiles(name: ImageName): Promise<string[]> {
  const own = (await contextFiles(folder(name))).map((file) => join('images', name, file))
  if (name !== 'platform') return own
  const rules = parseContextRules(await readFile(ignoreFile, 'utf8'))
  return [...own, ...(await contextFiles(root, rules))]
}

/** Build arguments that every Containerfile turns into labels. */
async function labelArguments(): Promise<{ VERSION: string; SOURCE: string }> {
  const text = await readFile(join(root, 'package.json'), 'utf8')
  const { version, repository } = JSON.parse(text) as { version: string; repository?: { url: string } }
  return { VERSION: version, SOURCE: repository?.url ?? '' }
}

/** Marks a file as used now, which keeps it from being pruned. False when it does not exist. */
async function touch(file: string): Promise<boolean> {
  const now = new Date()
  try {
    await utimes(file, now, now)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false
    throw error
  }
}

/** Deletes all but the last used archives of an image, and their images in buildah's storage. */
async function prune(name: ImageName): Promise<void> {
  const files = (await readdir(cache)).filter((file) => file.startsWith(`${name}-`) && file.endsWith('.tar'))
  const used = await Promise.all(files.map(async (file) => ({ file, at: (await stat(join(cache, file))).mtimeMs })))
  for (const { file } of used.sort((a, b) => b.at - a.at).slice(keptArchives)) {
    const hash = file.slice(name.length + 1, -'.tar'.length)
    await rm(join(cache, file))
    // The image may be gone already: the archive is what counts.
    await run(['buildah', 'rmi', '--force', `localhost/supersmartmatch/${name}:${hash}`]).catch(() => [])
  }
}
