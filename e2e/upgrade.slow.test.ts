import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import type { DataStoreStatus } from '../crds/schema/data-store.ts'
import { kubectl } from './harness/kubectl.ts'
import { list, read, until } from './harness/objects.ts'
import {
  applyPlatform,
  conditionOf,
  dataStore,
  ofPlatform,
  podKind,
  removePlatform,
  superuser,
  whenReady,
} from './harness/platform.ts'

/** `helm upgrade` of the operator, with other values and with another default image: no data pod is restarted. */
const name = 'k7'
const chart = join(import.meta.dirname, '../charts/matching-operator')
const release = ['matching-operator', '--namespace', 'supersmartmatch-system']

const run = promisify(execFile)
const helm = async (...args: string[]) => (await run('helm', args)).stdout

let revision: string

beforeAll(async () => {
  await removePlatform(name)
  const history = JSON.parse(await helm('history', ...release, '--output=json')) as { revision: number }[]
  revision = String(history.at(-1)?.revision)
  await applyPlatform(name)
  await whenReady(name)
})
afterAll(async () => {
  await helm('rollback', release[0] ?? '', revision, ...release.slice(1), '--wait')
  await removePlatform(name)
})

const upgradeTo = (folder: string, ...set: string[]) =>
  helm('upgrade', release[0] ?? '', folder, ...release.slice(1), '--reuse-values', '--wait', '--timeout=3m', ...set)
const upgrade = (...set: string[]) => upgradeTo(chart, ...set)

const databases = async () =>
  (await list(podKind, `${ofPlatform(name)},app.kubernetes.io/component=database`)).map(({ metadata }) => metadata.uid)
const status = async () => (await read(dataStore, `${name}-core`))?.['status'] as DataStoreStatus

/** A new operator has reconciled the store: it has put in force what the spec asks for since. */
async function whenReconciled(value: string): Promise<void> {
  const spec = { stores: { core: { parameters: { log_min_duration_statement: value } } } }
  await kubectl(['patch', 'mc', name, '--type=merge', `--patch=${JSON.stringify({ spec })}`])
  await until(60_000, async () => {
    const inForce = await superuser(name, 'SHOW log_min_duration_statement')
    return inForce === value ? {} : `log_min_duration_statement is ${inForce}`
  })
  await whenReady(name)
}

test('with changed values, everything goes on', async () => {
  const before = await databases()
  await upgrade('--set=logLevel=debug')
  await whenReconciled('5s')
  expect(await databases()).toEqual(before)
  expect((await status()).pending).toBeUndefined()
})

test('with a chart of another version, everything goes on', async () => {
  const before = await databases()
  const folder = await mkdtemp(join(tmpdir(), 'chart-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  await cp(chart, folder, { recursive: true })
  const about = join(folder, 'Chart.yaml')
  await writeFile(about, (await readFile(about, 'utf8')).replace(/^(version|appVersion): .*$/gm, '$1: 99.0.0'))
  await upgradeTo(folder)
  expect(await helm('list', ...release.slice(1))).toContain('99.0.0')
  await whenReconciled('6s')
  expect(await databases()).toEqual(before)
  expect((await status()).pending).toBeUndefined()
})

test('with another default image, the store keeps running the old one and says what waits', async () => {
  const before = await databases()
  await upgrade('--set=images.postgres=registry.example.com/team/postgres:next')
  const { pending } = await until(60_000, async () => {
    const found = await status()
    return found.pending ? found : 'nothing is pending'
  })
  expect(pending?.differences.join()).toContain('registry.example.com/team/postgres:next')
  expect(conditionOf(await read(dataStore, `${name}-core`), 'PendingRollout')).toMatchObject({
    status: 'True',
    reason: 'OperatorUpgrade',
    message: expect.stringContaining(pending?.hash ?? '') as string,
  })
  await whenReady(name)
  expect(await superuser(name, 'SELECT 1')).toBe('1')
  expect(await databases()).toEqual(before)
})
