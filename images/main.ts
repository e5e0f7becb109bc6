// make images [REGISTRY=registry.example.com/team]: builds the images or, given a registry, builds and pushes those that are deployed.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildImage, imageNames } from './build.ts'
import type { ImageName } from './build.ts'
import { run } from './command.ts'

/** What only the local cluster runs. The licence of what is in elasticsearch does not let us hand it on. */
const localOnly: ImageName[] = ['pause', 'clickhouse', 'elasticsearch']

const log = (line: string) => console.log(line)

async function main(registry: string | undefined): Promise<void> {
  if (registry?.startsWith('-')) throw new Error('Usage: make images [REGISTRY=registry.example.com/team]')
  const packageText = await readFile(join(import.meta.dirname, '../package.json'), 'utf8')
  const { version } = JSON.parse(packageText) as { version: string }
  for (const name of imageNames.filter((image) => registry === undefined || !localOnly.includes(image))) {
    const started = Date.now()
    const { reference, archive } = await buildImage(name, log)
    log(`${name}: ${reference} (${seconds(started)}), ${archive}`)
    if (registry !== undefined) await push(reference, `${registry}/${name}:${version}`)
  }
}

async function push(reference: string, target: string): Promise<void> {
  const started = Date.now()
  log(`pushing ${target} with buildah`)
  await run(['buildah', 'push', '--quiet', reference, `docker://${target}`])
  log(`pushed ${target} (${seconds(started)})`)
}

const seconds = (since: number) => `${((Date.now() - since) / 1000).toFixed(1)} s`

try {
  await main(process.argv[2])
} catch (error) {
  console.error(error instanceof Error ? error.message : error)
  process.exitCode = 1
}
