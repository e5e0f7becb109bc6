import { buildImage } from '../images/build.ts'
import type { ImageName } from '../images/build.ts'
import { containerdSocket } from './paths.ts'
import { say } from './report.ts'
import { run } from './run.ts'

/** An image of ours as the cluster must know it. */
export type LocalImage = Awaited<ReturnType<typeof buildImage>>

const builds = new Map<ImageName, Promise<LocalImage>>()

/** Builds the image unless it is in the cache; asked twice at the same time, it is built once. */
export async function build(name: ImageName): Promise<LocalImage> {
  const running = builds.get(name) ?? buildImage(name, (line) => say('images', line))
  builds.set(name, running)
  return running
}

const ctr = async (args: string[]) => run('ctr', ['--address', containerdSocket, '--namespace', 'k8s.io', ...args])

/** Loads the image into containerd unless it is there: there is no registry to pull it from. */
export async function load(image: LocalImage): Promise<void> {
  const known = (await ctr(['images', 'list', '-q'])).split('\n')
  if (known.includes(image.reference)) return
  say('images', `loading ${image.reference}`)
  await ctr(['images', 'import', image.archive])
}
