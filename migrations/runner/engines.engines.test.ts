import { connect } from 'nats'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { Agent, request } from 'undici'
import { describe, expect, onTestFinished, test } from 'vitest'
import { baseline } from './baseline.ts'
import type { MigrationSet } from './files.ts'
import { streamConfig } from './nats-changes.ts'
import type { Stream } from './nats-file.ts'
import { runCli } from './testing.ts'
import { applyTo, ca, connectTo, leaseMs, newFolder, options, uniqueName, urlOf } from './testing-engines.ts'
import type { EngineDialect } from './testing-engines.ts'

/* What the runner promises of every engine without transactions: the same tests, against real ones. */

interface Kind {
  dialect: EngineDialect
  /** The platform's own folder for it. */
  schema: string
  /** Three files; the second one does not fit to what is there, and `corrected` does. */
  files: Record<string, string>
  corrected: string
  failure: RegExp
  /** The first file with its first step, or its last one, changed. */
  edited: { first: string; last: string }
  /** An empty database: its URL for the owner. */
  newDatabase(): Promise<string>
  /** All that the migrations made there. */
  schemaOf(url: string): Promise<unknown>
  /** Takes the ledger away, as if somebody else had made the schema. */
  forget(url: string): Promise<void>
  /** Changes the schema by hand, and how that is told. */
  drift: { make(url: string): Promise<unknown>; words: RegExp }
}

// --- ClickHouse -------------------------------------------------------------------------------------------------------------

const agent = new Agent({ connect: { ca: ca && readFileSync(ca, 'utf8') } })

async function http(url: string, method: string, path: string, body?: string): Promise<string> {
  const { origin, username, password } = new URL(url)
  const headers = {
    authorization: `Basic ${Buffer.from(`${username}:${password}`).toString('base64')}`,
    'content-type': 'application/json',
  }
  const answer = await request(`${origin}${path}`, { method, headers, dispatcher: agent, body: body ?? null } as const)
  const text = await answer.body.text()
  if (answer.statusCode >= 300 && answer.statusCode !== 404) throw new Error(`${method} ${path}: ${text}`)
  return text
}

const table = (name: string, columns = 'id UInt64') =>
  `CREATE TABLE IF NOT EXISTS ${name} /* ON CLUSTER */ (${columns}) ENGINE = /* Replicated */MergeTree ORDER BY id;\n`
const column = (of: string, name: string) =>
  `ALTER TABLE ${of} /* ON CLUSTER */ ADD COLUMN IF NOT EXISTS ${name} String;\n`

const clickhouse: Kind = {
  dialect: 'clickhouse',
  schema: 'behavior',
  files: {
    '000001_a.sql': `-- One.\n${table('a')}${column('a', 'note')}`,
    '000002_b.sql': `-- Two.\n${table('b')}${column('nowhere', 'note')}${table('c')}`,
    '000003_d.sql': `-- Three.\n${table('d')}`,
  },
  corrected: `-- Two.\n${table('b')}${column('b', 'note')}${table('c')}`,
  failure: /^000002_b\.sql, statement 2 \(line 3\): .*nowhere/,
  edited: {
    first: `-- Two.\n${table('b', 'id UInt32')}${column('b', 'note')}${table('c')}`,
    last: `-- One.\n${table('a')}${column('a', 'other')}`,
  },
  async newDatabase() {
    const database = uniqueName('migrate')
    const url = urlOf('clickhouse', 'admin', database)
    await http(url, 'POST', '/', `CREATE DATABASE ${database}`)
    onTestFinished(async () => void (await http(url, 'POST', '/', `DROP DATABASE ${database} SYNC`)))
    return url
  },
  async schemaOf(url) {
    const database = new URL(url).pathname.slice(1)
    const select = `SELECT name, create_table_query FROM system.tables WHERE database = '${database}' AND name NOT LIKE 'schema_migrations%' ORDER BY name FORMAT JSONCompact`
    return (await http(url, 'POST', `/?database=${database}`, select))
      .match(/"data":[^]*?\n\t\],/)?.[0]
      .replaceAll(database, '')
  },
  async forget(url) {
    const database = new URL(url).pathname.slice(1)
    await http(url, 'POST', `/?database=${database}`, 'DROP TABLE schema_migrations SYNC')
  },
  drift: {
    make: (url) =>
      http(url, 'POST', `/?database=${new URL(url).pathname.slice(1)}`, 'ALTER TABLE a ADD COLUMN stray String'),
    words: /table a is .*stray/,
  },
}

// --- NATS -------------------------------------------------------------------------------------------------------------------

const stream = (name: string, more: object = {}) => ({
  name,
  description: 'A test.',
  subjects: [`test.${name}.>`],
  retention: 'limits',
  discard: 'old',
  max_age: '1d',
  duplicate_window: '1h',
  ...more,
})
const consumer = (of: string, more: object = {}) => ({
  stream: of,
  name: 'reader',
  description: 'A test.',
  filter_subjects: [`test.${of}.>`],
  backoff: ['30s'],
  max_deliver: 3,
  max_ack_pending: 10,
  ...more,
})
const eventsFile = (streams: object[], consumers: object[] = []) =>
  JSON.stringify({ about: 'A test.', streams, consumers })

/** A server for this file alone, which empties the account again and again. */
const natsUrl = process.env['TEST_NATS_RUNNER_URL'] ?? ''

const nats: Kind = {
  dialect: 'nats',
  schema: 'events',
  files: {
    '000001_a.json': eventsFile([stream('A')], [consumer('A')]),
    '000002_b.json': eventsFile([stream('B')], [consumer('NOWHERE'), consumer('B')]),
    '000003_d.json': eventsFile([stream('D')]),
  },
  corrected: eventsFile([stream('B')], [consumer('A', { name: 'second' }), consumer('B')]),
  failure: /^000002_b\.json, consumer reader of NOWHERE: stream not found/,
  edited: {
    first: eventsFile([stream('B', { max_age: '2d' })], [consumer('B')]),
    last: eventsFile([stream('A')], [consumer('A', { max_deliver: 4 })]),
  },
  async newDatabase() {
    await emptyAccount()
    onTestFinished(emptyAccount)
    return natsUrl
  },
  async schemaOf() {
    return inAccount(async ({ list }) => {
      const streams = (await list('STREAM.LIST', 'streams')).filter(({ config }) => !config.name.startsWith('KV_'))
      const consumers = await Promise.all(
        streams.map(({ config }) => list(`CONSUMER.LIST.${config.name}`, 'consumers')),
      )
      return [...streams, ...consumers.flat()].map(({ config }) => JSON.stringify(config)).sort()
    })
  },
  forget: () => inAccount(async ({ ask }) => void (await ask('STREAM.DELETE.KV_schema_migrations'))),
  drift: {
    make: () =>
      inAccount(({ ask }) => ask('STREAM.UPDATE.A', { ...streamConfig(stream('A') as Stream, 1), max_age: 172_800e9 })),
    words: /stream A: max_age is 172800000000000, not 86400000000000/,
  },
}

interface Account {
  ask: (request: string, question?: object) => Promise<Record<string, unknown>>
  list: (request: string, key: string) => Promise<{ config: { name: string } }[]>
}

async function inAccount<T>(work: (account: Account) => Promise<T>): Promise<T> {
  const { host, username, password } = new URL(natsUrl)
  const tls = { ca: readFileSync(ca, 'utf8'), handshakeFirst: true } as object
  const connection = await connect({ servers: host, user: username, pass: password, tls, waitOnFirstConnect: true })
  const ask = async (name: string, question: object = {}) =>
    (await connection.request(`$JS.API.${name}`, JSON.stringify(question))).json<Record<string, unknown>>()
  const list = async (name: string, key: string) => ((await ask(name))[key] ?? []) as { config: { name: string } }[]
  try {
    return await work({ ask, list })
  } finally {
    await connection.close()
  }
}

const emptyAccount = () =>
  inAccount(async ({ ask, list }) => {
    for (const { config } of await list('STREAM.LIST', 'streams')) await ask(`STREAM.DELETE.${config.name}`)
  })

// --- Elasticsearch ----------------------------------------------------------------------------------------------------------

const indexFile = (version: number, properties: object, more: object = {}) =>
  JSON.stringify({
    about: 'A test.',
    index: 'things',
    version,
    keep_days: 7,
    settings: { number_of_shards: 1, auto_expand_replicas: '0-1' },
    mappings: { dynamic: 'strict', properties: { id: { type: 'keyword' }, ...properties } },
    ...more,
  })

const elasticsearch: Kind = {
  dialect: 'elasticsearch',
  schema: 'search',
  files: {
    '000001_a.json': indexFile(1, {}),
    '000002_b.json': indexFile(2, { note: { type: 'nonsense' } }),
    '000003_d.json': indexFile(3, { more: { type: 'keyword' } }),
  },
  corrected: indexFile(2, { note: { type: 'text' } }),
  failure: /^000002_b\.json, index template \S+: .*nonsense/,
  edited: { first: indexFile(2, { note: { type: 'text' } }), last: indexFile(1, { note: { type: 'text' } }) },
  async newDatabase() {
    const prefix = uniqueName('t')
    const url = urlOf('elasticsearch', 'elastic', prefix)
    onTestFinished(async () => {
      for (const name of Object.keys(JSON.parse(await http(url, 'GET', `/${prefix}*`)) as object))
        await http(url, 'DELETE', `/${name}`)
      await http(url, 'DELETE', `/_index_template/${prefix}*`)
    })
    return url
  },
  async schemaOf(url) {
    const prefix = new URL(url).pathname.slice(1)
    const of = async (path: string) => JSON.parse((await http(url, 'GET', path)).replaceAll(prefix, 'prefix')) as object
    const settings = `/${prefix}-*/_settings?flat_settings=true&filter_path=*.settings.index.analysis*,*.settings.index.number*`
    return [await of(`/${prefix}-*/_mapping`), await of(`/${prefix}-*/_alias`), await of(settings)]
  },
  async forget(url) {
    await http(url, 'DELETE', `/${new URL(url).pathname.slice(1)}_schema_migrations`)
  },
  drift: {
    make: (url) =>
      http(
        url,
        'PUT',
        `/${new URL(url).pathname.slice(1)}-things/_mapping`,
        '{"properties":{"stray":{"type":"keyword"}}}',
      ),
    words: /mapping of things is .*stray/,
  },
}

/** A kill takes some five seconds; `make test-all` has them all, of every engine. What they have in common is seen on one of them. */
const everyStep = process.env['SLOW'] === '1'

// --- the promises -----------------------------------------------------------------------------------------------------------

describe.each<Kind>([clickhouse, nats, elasticsearch])('$dialect', (kind) => {
  const { dialect, schema } = kind
  const [first = '', second = '', third = ''] = Object.keys(kind.files)
  const good = { ...kind.files, [second]: kind.corrected }
  const apply = applyTo.bind(undefined, dialect)

  test('applies everything, then nothing, then what is new', async () => {
    const url = await kind.newDatabase()
    const folder = await newFolder(dialect, 'test', good)
    await folder.remove(third)
    expect(await apply(url, await folder.read())).toEqual([1, 2])
    const before = await kind.schemaOf(url)
    expect(await apply(url, await folder.read())).toEqual([])
    expect(await kind.schemaOf(url)).toEqual(before)
    await folder.write(third, good[third] ?? '')
    expect(await apply(url, await folder.read())).toEqual([3])
    expect(await kind.schemaOf(url)).not.toEqual(before)
  })

  test.runIf(everyStep || kind === clickhouse)(
    '20 at once, first ever: each file exactly once, all end well',
    async () => {
      const url = await kind.newDatabase()
      const set = await (await newFolder(dialect, 'test', good)).read()
      // A busy machine may keep one from renewing for longer than the other tests give it.
      const results = await Promise.all(Array.from({ length: 20 }, () => apply(url, set, { leaseMs: 20_000 })))
      expect(results.flat().sort()).toEqual([1, 2, 3])
    },
  )

  test.runIf(everyStep || kind === clickhouse)(
    `killed after ${everyStep ? 'each' : 'every tenth'} step of the platform’s own files: the next run completes to the same schema`,
    async () => {
      const whole = await kind.newDatabase()
      const folder = await newFolder(dialect, schema)
      const set = await folder.read()
      await apply(whole, set)
      const wanted = await kind.schemaOf(whole)
      const steps = set.migrations.flatMap(({ statements }, file) =>
        Array.from({ length: statements }, (_, index) => ({ file, index, statements })),
      )
      const chosen = steps.filter((_, number) => everyStep || number % 10 === 0 || number === steps.length - 1)
      for (const { file, index, statements } of chosen) {
        const url = await kind.newDatabase()
        const args = ['--schema', schema, '--dir', folder.dir, '--url', url, '--ca', ca]
        const run = runCli('apply', ...args)
        // The first letters of the file: another one may have as many steps.
        const number = `0000${file + 1}`.padStart(6, '0')
        await run.saw(new RegExp(`^${number}.*: done, ${index + 1} of ${statements}$`, 'm'))
        run.kill('SIGKILL')
        expect((await run.done).signal).toBe('SIGKILL')
        const lines: string[] = []
        const rest = await apply(url, set, { log: (line) => void lines.push(line) })
        expect(rest.length).toBeGreaterThanOrEqual(set.target - file - 1)
        expect(rest.length).toBeLessThanOrEqual(set.target - file)
        expect(await kind.schemaOf(url)).toEqual(wanted)
      }
    },
    600_000,
  )

  test('a step that fails is named, what was done is kept, and the rest may be corrected', async () => {
    const url = await kind.newDatabase()
    const folder = await newFolder(dialect, 'test', kind.files)
    await expect(apply(url, await folder.read())).rejects.toMatchObject({
      reason: 'StatementFailed',
      message: expect.stringMatching(kind.failure) as string,
    })
    const args = ['--schema', 'test', '--dir', folder.dir, '--url', url, '--ca', ca, '--dialect', dialect]
    expect((await runCli('status', ...args).done).stdout).toMatch(
      /000001_a.* applied .*\n000002_b.* pending.*\n000003_d.* pending\n/,
    )
    await folder.write(second, kind.corrected)
    expect(await apply(url, await folder.read())).toEqual([2, 3])
  })

  test('refuses a file that was edited after it was applied', async () => {
    const url = await kind.newDatabase()
    const folder = await newFolder(dialect, 'test', good)
    await apply(url, await folder.read())
    const before = await kind.schemaOf(url)
    await folder.write(first, kind.edited.last)
    await expect(apply(url, await folder.read())).rejects.toMatchObject({ reason: 'FileEdited' })
    expect(await kind.schemaOf(url)).toEqual(before)
  })

  test('a schema without a ledger is adopted, unless it differs; then nothing is left to apply', async () => {
    const url = await kind.newDatabase()
    const set = await (await newFolder(dialect, 'test', good)).read()
    await apply(url, set)
    await kind.forget(url)
    const before = await kind.schemaOf(url)
    const adopt = async (files = set) => {
      const to = options()
      await baseline(files, await connectTo(dialect, url), to).finally(() => to.lines.push(''))
      return to.lines.join('\n')
    }
    await adopt()
    expect(await kind.schemaOf(url)).toEqual(before)
    expect(await apply(url, set)).toEqual([])
    await expect(adopt()).rejects.toMatchObject({ reason: 'NotEmptyLedger' })
    await kind.forget(url)
    await kind.drift.make(url)
    await expect(adopt()).rejects.toMatchObject({
      reason: 'SchemaDiffers',
      message: expect.stringMatching(kind.drift.words) as string,
    })
  })

  test('waits for another migrator, and goes on in its place when it shows no sign of life', async () => {
    const url = await kind.newDatabase()
    const set = await (await newFolder(dialect, 'test', good)).read()
    const open = await connectTo(dialect, url)
    const other = await open(options())
    onTestFinished(() => other.close())
    await other.takeLock()
    const attempt = apply(url, set, { waitMs: 3 * leaseMs })
    await expect(attempt).rejects.toMatchObject({
      reason: 'LockTimeout',
      message: expect.stringContaining(
        `another migrator has not finished within ${(3 * leaseMs) / 1000} s: migrate `,
      ) as string,
    })
    const late = options()
    const applying = apply(url, set, { log: late.log })
    await sleep(leaseMs / 2)
    await other.close()
    expect(await applying).toEqual([1, 2, 3])
    expect(late.lines).toContainEqual(expect.stringMatching(/^waiting for another migrator: migrate /))
  })

  test('SIGTERM ends between steps, says so, and exits 1', async () => {
    const url = await kind.newDatabase()
    const folder = await newFolder(dialect, 'test', good)
    const args = ['--schema', 'test', '--dir', folder.dir, '--url', url, '--ca', ca, '--dialect', dialect]
    const run = runCli('apply', ...args)
    await run.saw('…')
    run.kill('SIGTERM')
    const { code, stderr } = await run.done
    // It may have been quicker.
    if (code !== 0)
      expect({ code, stderr }).toMatchObject({
        code: 1,
        stderr: expect.stringMatching(/Interrupted: stopped by SIGTERM/) as string,
      })
    // The lease was given back: nobody waits.
    const more = options({ leaseMs: 60_000 })
    await apply(url, await folder.read(), { ...more, log: more.log })
    expect(more.lines.join('\n')).not.toMatch(/waiting/)
  })
})

describe('what loses data', () => {
  test('a table of ClickHouse goes with an approval only', async () => {
    const url = await clickhouse.newDatabase()
    const folder = await newFolder('clickhouse', 'test', { '000001_a.sql': clickhouse.files['000001_a.sql'] ?? '' })
    await applyTo('clickhouse', url, await folder.read())
    await folder.write('000002_b.sql', '-- Two.\nDROP TABLE IF EXISTS a /* ON CLUSTER */;\n')
    await expectApproval('clickhouse', url, await folder.read(), /000002_b\.sql, statement 1 \(line 2\): drops table a/)
    expect(await clickhouse.schemaOf(url)).not.toContain('CREATE TABLE')
  })

  test('a stream of NATS keeps less with an approval only, and a new account needs none', async () => {
    const url = await nats.newDatabase()
    const folder = await newFolder('nats', 'test', { '000001_a.json': eventsFile([stream('A', { max_age: '7d' })]) })
    await applyTo('nats', url, await folder.read())
    await folder.write('000002_b.json', eventsFile([stream('A', { max_age: '1d' })]))
    await expectApproval('nats', url, await folder.read(), /000002_b\.json, stream A: max_age from /)
    expect(await nats.schemaOf(url)).toEqual([expect.stringContaining('"max_age":86400000000000')])
    await emptyAccount()
    expect(await applyTo('nats', url, await folder.read())).toEqual([1, 2])
  })

  test('what no file explains is no matter of approval', async () => {
    const url = await nats.newDatabase()
    const folder = await newFolder('nats', 'test', { '000001_a.json': eventsFile([stream('A')]) })
    await applyTo('nats', url, await folder.read())
    const larger = { ...streamConfig(stream('A') as Stream, 1), max_age: 0 }
    await inAccount(({ ask }) => ask('STREAM.UPDATE.A', larger))
    await folder.write('000002_b.json', eventsFile([stream('A', { description: 'Another.' })]))
    await expect(applyTo('nats', url, await folder.read())).rejects.toMatchObject({ reason: 'WouldLoseData' })
  })

  async function expectApproval(dialect: EngineDialect, url: string, set: MigrationSet, words: RegExp): Promise<void> {
    const refused: unknown = await applyTo(dialect, url, set).catch((error: unknown) => error)
    expect(refused).toMatchObject({ reason: 'ApprovalNeeded', message: expect.stringMatching(words) as string })
    const [, approve] = /plan ([0-9a-f]{12})/.exec(String(refused)) ?? []
    expect(await applyTo(dialect, url, set, { approve })).toEqual([2])
  }
})

describe('a file that was begun', () => {
  test('may not be rewritten in what was done', async () => {
    const url = await clickhouse.newDatabase()
    const folder = await newFolder('clickhouse', 'test', clickhouse.files)
    await expect(applyTo('clickhouse', url, await folder.read())).rejects.toMatchObject({ reason: 'StatementFailed' })
    await folder.write('000002_b.sql', clickhouse.edited.first)
    await expect(applyTo('clickhouse', url, await folder.read())).rejects.toMatchObject({
      reason: 'FileEdited',
      message: '000002_b.sql was changed within its first 1 statements, which were already done',
    })
  })
})
