import { Client } from '@elastic/elasticsearch'
import { randomBytes, randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { retiredTemplate } from '../../crds/retention-marks.ts'
import { readMigrations } from '../runner/files.ts'
import { formats } from '../runner/formats.ts'
import { applyTo, ca, newFolder, options, urlOf } from '../runner/testing-engines.ts'
import { missing, type Thing } from '../testing/coverage.ts'

/* The job index, under a prefix of this file's own. */

const prefix = `s${randomBytes(4).toString('hex')}`
const url = urlOf('elasticsearch', 'elastic', prefix)
const alias = `${prefix}-jobs`
let client: Client

function clientOf(of: string): Client {
  const { origin, username, password } = new URL(of)
  return new Client({ node: origin, auth: { username, password }, tls: { ca: readFileSync(ca) }, maxRetries: 0 })
}

async function removeAll(): Promise<void> {
  for (const name of Object.keys(await client.indices.get({ index: `${prefix}*` })))
    await client.indices.delete({ index: name })
  await client.indices.deleteIndexTemplate({ name: `${prefix}*` }, { ignore: [404] })
}

beforeAll(async () => {
  client = clientOf(url)
  await applyTo('elasticsearch', url, await readMigrations(import.meta.dirname, formats.elasticsearch))
})
afterAll(async () => {
  await removeAll()
  await client.close()
})

interface Field {
  dynamic?: string
  properties?: Record<string, Field>
  fields?: Record<string, Field>
  contexts?: { name: string }[]
}

/** The fields below one, by their paths, objects and sub-fields included. */
const fieldsOf = ({ properties, fields }: Field, path = ''): [string, Field][] =>
  Object.entries({ ...properties, ...fields }).flatMap(([name, field]) => [
    [`${path}${name}`, field],
    ...fieldsOf(field, `${path}${name}.`),
  ])

test('the store has what docs/reference/specification-coverage.md names, each of its kind', async () => {
  const [[index = '', { aliases }] = ['', {}]] = Object.entries(await client.indices.getAlias({ name: alias }))
  const { [index]: { settings } = {} } = await client.indices.getSettings({ index })
  const { [index]: { mappings } = {} } = await client.indices.getMapping({ index })
  const {
    index_templates: [template],
  } = await client.indices.getIndexTemplate({ name: alias })
  const { analysis, ...own } = settings?.index ?? {}
  const fields = fieldsOf(mappings as Field)
  const isStrict = [mappings, template?.index_template.template?.mappings].every((each) => each?.dynamic === 'strict')
  const live = {
    index: [index],
    alias: Object.keys(aliases ?? {}),
    template: [template?.name ?? ''],
    setting: [
      ...Object.entries(own).map(([name, value]) => `${name}=${String(value)}`),
      ...(isStrict ? ['dynamic=strict'] : []),
    ],
    analyzer: Object.keys(analysis?.analyzer ?? {}),
    filter: Object.keys({ ...analysis?.char_filter, ...analysis?.filter }),
    field: fields.map(([path]) => path),
    context: fields.flatMap(([, { contexts = [] }]) => contexts.map(({ name }) => name)),
  }
  // Names begin with the store's, which is `search` on the page.
  const things = Object.entries(live).flatMap(([kind, all]): Thing[] =>
    all.map((name) => ({ kind, name: name.replace(prefix, 'search') })),
  )
  expect(missing('search', things)).toEqual([])
})

/** What an index is given when it is made, and no file says; copies follow the nodes. */
const given = /^index\.(uuid|creation_date|provided_name|version\.|routing\.|number_of_replicas)/
/** Of the runner: the file's checksum, and when a template came. */
const ofRun = new Set(['_meta', 'created_date_millis', 'modified_date_millis'])

/** The server gives keys in no order. */
function inOrder(key: string, value: unknown): unknown {
  if (ofRun.has(key)) return undefined
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).sort(([one], [other]) => one.localeCompare(other)))
}

test('template, index and alias are the golden ones', async () => {
  const as = { flat_settings: true }
  const { index_templates: templates } = await client.indices.getIndexTemplate({ name: `${prefix}*`, ...as })
  const found = await client.indices.get({ index: `${prefix}-*`, ...as })
  const indices = Object.entries(found).map(([name, { settings = {}, ...index }]) => {
    const own = Object.entries(settings).filter(([key]) => !given.test(key))
    return { name, ...index, settings: Object.fromEntries(own) }
  })
  const text = JSON.stringify({ templates, indices }, inOrder, 2).replaceAll(prefix, 'search')
  await expect(`${text}\n`).toMatchFileSnapshot('schema.golden.json')
})

const tokens = async (analyzer: string, text: string) => {
  const { tokens: found = [] } = await client.indices.analyze({ index: alias, analyzer, text })
  return found.map(({ token }) => token).join(' ')
}

describe('analyzers give these tokens (D-148 to D-152, D-159)', () => {
  test.each<[string, string, string]>([
    ['job_analyzer', 'C++, C# and .NET in C', 'cplusplus csharp and dotnet in c'],
    ['job_analyzer', 'IT Manager', 'it manager'],
    ['job_analyzer', 'Résumé R Go', 'resume r go'],
    ['job_search_analyzer', 'JS', 'javascript ecmascript js'],
    ['job_search_analyzer', 'machine learning', 'ml machine learning'],
    ['job_english', "The manager's résumés", 'the manag resum'],
    ['job_french', "L'ingénieure développe des réseaux", 'ingenieur develop des reseau'],
    ['skill_analyzer', '  React Native ', 'react native'],
    ['skill_search_analyzer', 'ReactJS', 'react react.js reactjs'],
    ['suggest_analyzer', 'Développeur C++', 'developpeur cplusplus'],
  ])('%s: %s', async (analyzer, text, expected) => expect(await tokens(analyzer, text)).toBe(expected))

  test('rules of the file are there: an abbreviation finds what it stands for, and not half of it', async () => {
    expect((await tokens('job_search_analyzer', 'byod')).split(' ').sort()).toEqual([
      'bring',
      'byod',
      'device',
      'own',
      'your',
    ])
    await index('synonyms', { title: 'Bring your own device', status: 'active' })
    await index('half', { title: 'Device drivers', status: 'active' })
    expect(await found({ match_phrase: { title: 'byod' } })).toEqual(['synonyms'])
  })
})

const job = {
  job_id: 'j',
  title: 'Software engineer',
  status: 'active',
  country: 'FR',
  skill_ids: ['s1', 's2'],
  must_have_skill_ids: ['s1'],
  required_skills: [
    { skill_id: 's1', name: 'React', level: 4, years_required: 3, requirement_type: 'must_have' },
    { skill_id: 's2', name: 'SQL', level: 1, years_required: 1, requirement_type: 'nice_to_have' },
  ],
  location: [
    { city: 'Lyon', country: 'FR', coordinates: { lat: 45.76, lon: 4.84 }, remote_policy: 'partial' },
    { city: 'Genève', country: 'CH', coordinates: { lat: 46.2, lon: 6.14 }, remote_policy: 'no' },
  ],
  coordinates: [
    { lat: 45.76, lon: 4.84 },
    { lat: 46.2, lon: 6.14 },
  ],
  salary: { min: 45000, max: 60000, currency: 'EUR', period: 'yearly' },
  posted_date: '2026-11-01T00:00:00Z',
}

const index = (id: string, document: object) => client.index({ index: alias, id, document, refresh: true })

async function found(query: object): Promise<string[]> {
  // The client's type is a union of sixty, each without the keys of the others.
  const { hits } = await client.search({ index: alias, query: query as never })
  return hits.hits.map(({ _id }) => _id ?? '').sort()
}

describe('documents', () => {
  test('a field that is not in the mapping is refused, personal ones too (D-155, D-157)', async () => {
    const refused = { message: expect.stringContaining('strict_dynamic_mapping_exception') as string }
    await expect(index('x', { ...job, match_metadata: { a: 1 } })).rejects.toMatchObject(refused)
    await expect(index('x', { ...job, recruiter_email: 'a@example.org' })).rejects.toMatchObject(refused)
    const another = `${alias}_v99`
    await client.indices.create({ index: another })
    await expect(client.index({ index: another, document: { anything: 1 } })).rejects.toMatchObject(refused)
    await client.indices.delete({ index: another })
  })

  test('are found by skill alone, by skill and level together, by place and by distance (D-152, D-156)', async () => {
    await index('full', job)
    expect(await found({ term: { skill_ids: 's2' } })).toEqual(['full'])
    const both = (id: string, level: number) => ({
      nested: {
        path: 'required_skills',
        query: {
          bool: {
            filter: [
              { term: { 'required_skills.skill_id': id } },
              { range: { 'required_skills.level': { gte: level } } },
            ],
          },
        },
      },
    })
    expect(await found(both('s1', 4))).toEqual(['full'])
    expect(await found(both('s2', 4))).toEqual([])
    const city = (name: string) => ({ nested: { path: 'location', query: { term: { 'location.city': name } } } })
    expect(await found(city('geneve'))).toEqual(['full'])
    expect(await found({ geo_distance: { distance: '20km', coordinates: { lat: 46.2, lon: 6.1 } } })).toEqual(['full'])
    expect(await found({ geo_distance: { distance: '20km', coordinates: { lat: 48.8, lon: 2.3 } } })).toEqual([])
    expect(
      await found({ nested: { path: 'required_skills', query: { match: { 'required_skills.name': 'reactjs' } } } }),
    ).toEqual(['full'])
  })

  test('titles are suggested by status and country, however long, with signs, in either case (D-153)', async () => {
    const long = `${'Senior '.repeat(12)}C++ developer`
    await index('long', { ...job, title: long })
    await index('draft', { ...job, title: 'C++ intern', status: 'draft' })
    await index('swiss', { ...job, title: 'c++ Entwickler', country: 'CH' })
    const suggest = async (text: string, contexts: Record<string, string[]>) => {
      const { suggest: answer } = await client.search({
        index: alias,
        suggest: { titles: { prefix: text, completion: { field: 'title.suggest', contexts, size: 10 } } },
      })
      return (answer?.['titles'] ?? [])
        .flatMap(({ options: all }) => (all as { _id: string }[]).map(({ _id }) => _id))
        .sort()
    }
    expect(await suggest('C++', { status: ['draft'] })).toEqual(['draft'])
    expect(await suggest('C++', { country: ['CH'] })).toEqual(['swiss'])
    expect(await suggest(long.slice(0, 80), { status: ['active'] })).toEqual(['long'])
  })
})

describe('erase.json', () => {
  interface Request {
    method: string
    path: string
    body?: object
  }
  /** As the search service will: one after the other, as the application. What is not there is 404, no failure. */
  async function send(app: Client, requests: Request[]): Promise<unknown[]> {
    const answers: unknown[] = []
    for (const { path: whole, ...request } of requests) {
      const [path = '', querystring = ''] = whole.split('?')
      answers.push(await app.transport.request({ ...request, path, querystring }, { ignore: [404] }))
    }
    return answers
  }

  test('takes a posting off the disk with what it says of somebody, leaves others, and may run again (D-062)', async () => {
    await applyTo(
      'elasticsearch',
      urlOf('elasticsearch'),
      await readMigrations(import.meta.dirname, formats.elasticsearch),
    )
    const app = clientOf(urlOf('elasticsearch', 'search_app_a'))
    const gone = {
      ...job,
      job_id: randomUUID(),
      title: 'Ada Lovelace seeks an assistant',
      company: { name: 'Ada Lovelace' },
    }
    const stays = { ...job, job_id: randomUUID(), title: 'Adding machines' }
    const text = readFileSync(`${import.meta.dirname}/erase.json`, 'utf8')
    const filled = (sequence: number) =>
      JSON.parse(
        text
          .replaceAll('{job_id}', gone.job_id)
          .replaceAll('{sequence}', `${sequence}`)
          .replaceAll('{search}', 'search'),
      ) as { erase: Request[]; left: Request[] }
    const { erase, left } = filled(8)
    const write = (document: { job_id: string }, version: number) =>
      app.index({ index: 'search-jobs', id: document.job_id, document, version, version_type: 'external' })
    const suggested = async () => {
      const { suggest } = await app.search({
        index: 'search-jobs',
        suggest: { titles: { prefix: 'ad', completion: { field: 'title.suggest', contexts: { status: ['active'] } } } },
      })
      return (suggest?.['titles'] ?? []).flatMap(({ options: all }) =>
        (all as { text: string }[]).map((one) => one.text),
      )
    }
    try {
      // One among many of a segment, which a merge would leave as it is.
      const others = Array.from({ length: 50 }, () => [{ index: { _id: randomUUID() } }, { ...job, title: 'Welder' }])
      await app.bulk({ index: 'search-jobs', operations: others.flat() })
      for (const one of [gone, stays]) await write(one, 7)
      await app.indices.forcemerge({ index: 'search-jobs', max_num_segments: 1 })
      await app.indices.refresh({ index: 'search-jobs' })
      expect((await suggested()).sort()).toEqual([stays.title, gone.title].sort())

      const [deleted] = await send(app, erase)
      expect(deleted).toMatchObject({ result: 'deleted' })
      expect(await suggested()).toEqual([stays.title])
      // An event from before comes late: it does not bring the posting back.
      await expect(write(gone, 7)).rejects.toMatchObject({ statusCode: 409 })
      const terms = async () => ((await send(app, left)) as { terms: string[] }[]).flatMap((answer) => answer.terms)
      await expect
        .poll(
          async () => {
            await send(app, erase)
            return terms()
          },
          { timeout: 80_000, interval: 12_000 },
        )
        .toEqual([])
      expect((await app.get({ index: 'search-jobs', id: stays.job_id })).found).toBe(true)
    } finally {
      await app.close()
    }
  }, 180_000)
})

test('a new version of the mapping: readers never fail and never see less, late writes and deletes follow, the old one stays', async () => {
  const count = 1_500
  const operations = Array.from({ length: count }, (_, id) => [
    { index: { _id: `d${id}`, version: 10 + id, version_type: 'external' as const } },
    { job_id: `d${id}`, title: `Job ${id}`, status: 'active' },
  ]).flat()
  expect((await client.bulk({ index: alias, operations, refresh: true })).errors).toBe(false)
  const total = (await client.count({ index: alias })).count

  const folder = await newFolder('elasticsearch', 'search')
  const second = JSON.parse(readFileSync(`${import.meta.dirname}/000001_jobs.json`, 'utf8')) as {
    version: number
    mappings: { properties: Record<string, object> }
  }
  second.version = 2
  second.mappings.properties['benefits'] = { type: 'keyword' }
  await folder.write('000002_benefits.json', JSON.stringify(second))

  const stop = new AbortController()
  const failures: string[] = []
  let reads = 0
  const reading = (async () => {
    while (!stop.signal.aborted) {
      try {
        const seen = (await client.count({ index: alias })).count
        if (seen < total - 1) failures.push(`only ${seen} of ${total}`)
        reads++
      } catch (error) {
        failures.push(String(error))
      }
    }
  })()
  /** As a consumer of events: what is refused for the moment comes again. */
  const late = { refused: 0, written: 0 }
  const writing = (async () => {
    for (let sequence = 0; !stop.signal.aborted; sequence++) {
      try {
        await client.index({
          index: alias,
          id: `d${sequence % 50}`,
          version: 100_000 + sequence,
          version_type: 'external',
          document: { job_id: 'late', title: `Late ${sequence}`, status: 'active' },
        })
        late.written = sequence
      } catch {
        late.refused++
        sequence--
      }
      await sleep(2)
    }
  })()
  await client.delete({ index: alias, id: 'd777' })
  const { lines, ...run } = options()
  try {
    expect(await applyTo('elasticsearch', url, await folder.read(), run)).toEqual([2])
  } finally {
    await sleep(300)
    stop.abort()
    await Promise.all([reading, writing])
  }
  expect(failures).toEqual([])
  expect(reads).toBeGreaterThan(3)

  expect(Object.keys(await client.indices.getAlias({ name: alias }))).toEqual([`${alias}_v2`])
  await client.indices.refresh({ index: alias })
  expect((await client.count({ index: alias })).count).toBe(total - 1)
  expect(await client.exists({ index: alias, id: 'd777' })).toBe(false)
  expect(await client.get({ index: alias, id: 'd1400' })).toMatchObject({ _version: 1410 })
  expect(await client.get({ index: alias, id: `d${late.written % 50}` })).toMatchObject({
    _version: 100_000 + late.written,
  })
  await index('new', { job_id: 'new', title: 'New', status: 'active', benefits: ['bicycle'] })

  const old = await client.indices.getMapping({ index: `${alias}_v1` })
  expect(old[`${alias}_v1`]?.mappings._meta).toMatchObject({ retired_at: expect.any(String) as string, keep_days: 7 })
  await expect(client.index({ index: `${alias}_v1`, document: { job_id: 'x' } })).rejects.toMatchObject({
    statusCode: 403,
  })

  // Seven days later, with the next version.
  const marked = { retired_at: new Date(Date.now() - 8 * 86_400_000).toISOString(), keep_days: 7 }
  await client.indices.putMapping({ index: `${alias}_v1`, _meta: marked })
  await folder.write('000003_more.json', JSON.stringify({ ...second, version: 3 }))
  expect(await applyTo('elasticsearch', url, await folder.read(), run)).toEqual([3])
  expect(Object.keys(await client.indices.get({ index: `${alias}_v*` })).sort()).toEqual([`${alias}_v2`, `${alias}_v3`])
  expect(lines).toContainEqual(expect.stringMatching(/ documents of \S+_v1 copied$/))
}, 300_000)

test('where the operator says how long earlier versions stay, migrations mark them and delete none', async () => {
  const [of, mine] = [urlOf('elasticsearch', 'elastic', `${prefix}k`), `${prefix}k-jobs`]
  const file = JSON.parse(readFileSync(`${import.meta.dirname}/000001_jobs.json`, 'utf8')) as object
  const folder = await newFolder('elasticsearch', 'search')
  for (const version of [2, 3]) await folder.write(`00000${version}_next.json`, JSON.stringify({ ...file, version }))
  const third = '000003_next.json'
  const set = await folder.read()
  await folder.remove(third)
  await applyTo('elasticsearch', of, await folder.read())
  const _meta = { retired_at: new Date(Date.now() - 400 * 86_400_000).toISOString(), keep_days: 7 }
  await client.indices.putMapping({ index: `${mine}_v1`, _meta })
  // Somebody took the second back into use, which had been retired before.
  const inUse = await client.indices.getMapping({ index: `${mine}_v2` })
  const noted = { ...inUse[`${mine}_v2`]?.mappings._meta, ..._meta }
  await client.indices.putMapping({ index: `${mine}_v2`, _meta: noted })
  const name = retiredTemplate(`${prefix}k`)
  await client.cluster.putComponentTemplate({ name, template: {}, _meta: { keep: '2y', hold: false } })
  try {
    expect(await applyTo('elasticsearch', of, set)).toEqual([3])
  } finally {
    await client.cluster.deleteComponentTemplate({ name })
  }
  const found = await client.indices.getMapping({ index: `${mine}_v*` })
  expect(Object.keys(found).sort()).toEqual([1, 2, 3].map((version) => `${mine}_v${version}`))
  const { retired_at: since } = found[`${mine}_v2`]?.mappings._meta as { retired_at: string }
  expect(Date.now() - Date.parse(since)).toBeLessThan(60_000)
})

test('an index in use that was made of another mapping is not deleted', async () => {
  const folder = await newFolder('elasticsearch', 'search', {})
  const file = JSON.parse(readFileSync(`${import.meta.dirname}/000001_jobs.json`, 'utf8')) as { about: string }
  const other = urlOf('elasticsearch', 'elastic', `${prefix}x`)
  await folder.write('000001_jobs.json', JSON.stringify(file))
  await applyTo('elasticsearch', other, await folder.read())
  await folder.write('000002_again.json', JSON.stringify({ ...file, about: 'The same version with other words.' }))
  await expect(applyTo('elasticsearch', other, await folder.read())).rejects.toMatchObject({
    name: 'Refused',
    reason: 'WouldLoseData',
    message: expect.stringContaining('is in use and was made of other settings or mappings') as string,
  })
})

test('the store’s own logins: the owner migrates, the application writes documents and no ledger, and makes no index', async () => {
  const [owner, app] = [urlOf('elasticsearch'), clientOf(urlOf('elasticsearch', 'search_app_a'))]
  await applyTo('elasticsearch', owner, await readMigrations(import.meta.dirname, formats.elasticsearch))
  try {
    await app.index({ index: 'search-jobs', id: 'app', document: { job_id: 'app', title: 'x', status: 'active' } })
    await app.delete({ index: 'search-jobs', id: 'app' })
    const denied = { statusCode: 403 }
    await expect(
      app.index({ index: 'search_schema_migrations', id: 'ledger', document: { text: '{}' } }),
    ).rejects.toMatchObject(denied)
    await expect(app.indices.create({ index: 'search-jobs_v9' })).rejects.toMatchObject(denied)
    await expect(app.indices.delete({ index: 'search-jobs_v1' })).rejects.toMatchObject(denied)
    await expect(app.indices.deleteIndexTemplate({ name: 'search-jobs' })).rejects.toMatchObject(denied)
  } finally {
    await app.close()
  }
})
