import { createServer, type Server } from 'node:https'
import type { AddressInfo } from 'node:net'
import Value from 'typebox/value'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { DataStoreSpec } from '../../../crds/schema/data-store.ts'
import { createAuthority, issueServerCertificate } from '../../certificates.ts'
import { surroundings } from '../../testing/platform.ts'
import type { Node, Plan } from '../engine.ts'
import { wantedMarkers } from './config.ts'
import { probe } from './probe.ts'
import { settle } from './settle.ts'

/** What the server answers by the beginning of the statement: text, or a code and what it says. */
let answers: [string, string | [number, string]][]
let asked: string[]
let server: Server
let ca: string

beforeAll(async () => {
  const authority = await createAuthority('ca', new Date())
  const { certificate: cert, key } = await issueServerCertificate(authority, ['localhost'], new Date())
  ca = authority.certificate
  server = createServer({ cert, key }, (request, response) => {
    let text = ''
    request.on('data', (data: Buffer) => (text += data.toString()))
    request.on('end', () => {
      asked.push(text.trim().split('\n')[0] ?? '')
      const answer = answers.find(([start]) => text.trim().startsWith(start))?.[1] ?? [62, 'unexpected']
      if (typeof answer === 'string') response.end(answer)
      else response.writeHead(500, { 'X-ClickHouse-Exception-Code': answer[0] }).end(answer[1])
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
})
afterAll(() => server.close())
beforeEach(() => (asked = []))

const target = () => {
  const { port } = server.address() as AddressInfo
  return { host: '127.0.0.1', port, serverName: 'localhost', ca, username: 'admin', password: 'secret', database: '' }
}
const node = (given: Partial<Node> = {}): Node => ({
  name: 's-0',
  ordinal: 0,
  ready: true,
  target: target(),
  certificate: '',
  ...given,
})

function planOf(given: object = {}): Plan {
  const spec = Value.Default(DataStoreSpec, { engine: 'clickhouse', ...given }) as DataStoreSpec
  const store = { apiVersion: '', kind: 'DataStore', metadata: { name: 's', namespace: 'n' }, spec }
  const identity = { name: 'clickhouse', instance: 's', component: 'database' }
  return {
    store,
    identity,
    image: 'i',
    database: 'default',
    caFingerprint: '',
    members: 1,
    readFrom: 'primary',
    surroundings,
  }
}
const passwords = { admin: 'a' }
const soon = () => AbortSignal.timeout(5_000)
const factsOf = (plan: Plan) => wantedMarkers(plan, passwords).map((marker) => `marker\t${marker}\n`).join('') // prettier-ignore

test('a server that is as it should be is asked once and told nothing', async () => {
  answers = [["SELECT 'marker'", `${factsOf(planOf())}database\tdefault\n`]]
  expect(await settle([node()], planOf(), passwords, soon())).toEqual({ changed: [], outdated: {} })
  expect(asked).toHaveLength(1)
})

test('a missing database is created', async () => {
  answers = [["SELECT 'marker'", factsOf(planOf())], ['CREATE DATABASE', '']] // prettier-ignore
  expect(await settle([node()], planOf(), passwords, soon())).toEqual({
    changed: ['database default created on s-0'],
    outdated: {},
  })
  expect(asked).toContain('CREATE DATABASE IF NOT EXISTS default')
})

test('one with old files, or another certificate, is named with what it shall have', async () => {
  answers = [["SELECT 'marker'", `marker\told\ndatabase\tdefault\n`]]
  const old = await settle([node()], planOf(), passwords, soon())
  expect(old.waiting).toBe('s-0 does not have its new settings or logins yet')
  expect(old.outdated?.['s-0']).toContain('logins-')
  answers = [["SELECT 'marker'", `${factsOf(planOf())}database\tdefault\n`]]
  const shown = await settle([node({ certificate: 'AA:BB' })], planOf(), passwords, soon())
  expect(shown).toEqual({ changed: [], outdated: { 's-0': expect.stringContaining('AA:BB') as string } })
})

test('pods that are not ready are left to the roll-out', async () => {
  const nodes = [node({ ready: false }), node({ target: undefined })]
  expect(await settle(nodes, planOf(), passwords, soon())).toEqual({ changed: [], outdated: {} })
  expect(asked).toEqual([])
})

test('several servers without Keeper are not as they should be', async () => {
  const plan = planOf({ replicas: 2 })
  const facts = `${factsOf(plan)}database\tdefault\n`
  answers = [["SELECT 'marker'", facts], ['SELECT count() FROM system.zookeeper', '1\n']] // prettier-ignore
  expect(await settle([node()], plan, passwords, soon())).toEqual({ changed: [], outdated: {} })
  answers = [["SELECT 'marker'", facts], ['SELECT count() FROM system.zookeeper', [999, 'Code: 999. DB::Exception: All connection tries failed (version 26.8.1.1 (official build))\nstack']]] // prettier-ignore
  expect(await settle([node()], plan, passwords, soon())).toMatchObject({
    waiting: 's-0 does not reach Keeper: Code: 999. All connection tries failed',
  })
})

// prettier-ignore
test.each<[string, string | [number, string], object]>([
  ['a version',       '26.8.20.9\n',                       { state: 'ready', version: '26.8.20.9' }],
  ['something else',  'welcome',                           { state: 'degraded', message: expect.stringContaining('not as ClickHouse does') as string }],
  ['a full server',   [202, 'Code: 202. DB::Exception: Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES) (version 1)'], { state: 'starting', message: 'ClickHouse: Code: 202. Too many simultaneous queries. (TOO_MANY_SIMULTANEOUS_QUERIES)' }],
  ['a refusal',       [516, 'Code: 516. DB::Exception: no'], { state: 'degraded', message: 'ClickHouse: Code: 516. no' }],
  ['nothing at all',  [0, ''],                             { state: 'degraded', message: 'ClickHouse: it answered with HTTP status 500' }],
])('a probe that gets %s', async (_name, answer, health) => {
  answers = [['SELECT version()', answer]]
  expect(await probe(target(), soon())).toEqual(health)
})
