import type { Client, estypes } from '@elastic/elasticsearch'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { elasticsearchClient } from '../e2e/harness/clients.ts'
import { bindingOf } from '../e2e/harness/platform.ts'
import { compare, figure, timed } from './compare.ts'

/** Jobs that ask for two skills, by the flat fields of our index, and by nested documents in one that has, as specified, no others. */
const jobs = 50_000
const skillsOfJob = 20
const skills = 2_000
const searches = 100
const rounds = 15

let client: Client & AsyncDisposable

/** The same numbers each time, 0 to 1. */
function random(seed: number): () => number {
  let state = seed
  return () => (state = (Math.imul(state, 1664525) + 1013904223) >>> 0) / 2 ** 32
}

interface Skill {
  skill_id: string
  name: string
  level: number
  years_required: number
  requirement_type: string
}

/** One skill is asked for by a third of the jobs, most by one in two hundred. */
function skillsAskedFor(next: () => number): Skill[] {
  const numbers = new Set<number>()
  while (numbers.size < skillsOfJob) numbers.add(Math.floor(skills * next() ** 2))
  return [...numbers].map((n) => ({
    skill_id: `skill-${n}`,
    name: `skill ${n}`,
    level: 1 + Math.floor(5 * next()),
    years_required: Math.floor(10 * next()),
    requirement_type: ['required', 'required', 'preferred', 'nice_to_have'][Math.floor(4 * next())] ?? '',
  }))
}

const next = random(1)
const askedFor = Array.from({ length: jobs }, () => skillsAskedFor(next))

const nestedAlone = (asked: Skill[], n: number) => ({
  job_id: `job-${n}`,
  title: `job ${n}`,
  status: 'active',
  posted_date: new Date(Date.UTC(2026, 10, 1) - n * 1000).toISOString(),
  required_skills: asked,
})
const idsOf = (asked: Skill[]) => asked.map(({ skill_id }) => skill_id)
const asShipped = (asked: Skill[], n: number) => ({
  ...nestedAlone(asked, n),
  skill_ids: idsOf(asked),
  must_have_skill_ids: idsOf(asked.filter((skill) => skill.requirement_type === 'required')),
})
/** In the demo's store, whose other index nobody asks meanwhile. */
const indices = { ours: 'search-bench-ours', theirs: 'search-bench-theirs' }

const patient = { requestTimeout: 300_000 }

/** @returns its size in bytes */
async function fill(index: string, documents: object[]): Promise<number> {
  const file = join(import.meta.dirname, '../migrations/search/000001_jobs.json')
  const { settings, mappings } = JSON.parse(readFileSync(file, 'utf8')) as Required<estypes.IndicesCreateRequest>
  await client.indices.create({ index, settings, mappings })
  const step = 1_000
  for (let from = 0; from < jobs; from += step) {
    const operations = documents
      .slice(from, from + step)
      .flatMap((document, i) => [{ index: { _id: `${from + i}` } }, document])
    expect((await client.bulk({ index, operations }, patient)).errors).toBe(false)
  }
  // One segment each: how many there happen to be would count, too.
  await client.indices.forcemerge({ index, max_num_segments: 1 }, patient)
  await client.indices.refresh({ index })
  const stats = await client.indices.stats({ index, metric: 'docs' })
  return stats._all.primaries?.docs?.total_size_in_bytes ?? NaN
}

const remove = () => client.indices.delete({ index: Object.values(indices), ignore_unavailable: true })

beforeAll(async () => {
  client = await elasticsearchClient(await bindingOf('demo-search', 'owner'), 'demo-search-0')
  await remove()
  const theirs = await fill(indices.theirs, askedFor.map(nestedAlone))
  const ours = await fill(indices.ours, askedFor.map(asShipped))
  console.log(
    `skills, ${jobs} jobs with ${skillsOfJob} each: with the flat fields ${figure(ours / theirs)} times the bytes`,
  )
}, 900_000)
afterAll(async () => {
  await remove()
  await client[Symbol.asyncDispose]()
})

type Filter = estypes.QueryDslQueryContainer
type Pair = [Skill, Skill]

const term = (field: string, value: string): Filter => ({ term: { [field]: value } })
const nested = (...filter: Filter[]): Filter => ({ nested: { path: 'required_skills', query: { bool: { filter } } } })
const is = ({ skill_id }: Skill) => term('required_skills.skill_id', skill_id)
const required = term('required_skills.requirement_type', 'required')
const atMost = ({ level }: Skill): Filter => ({ range: { 'required_skills.level': { lte: level } } })

/** How each index is asked. Which level a job asks of which skill, flat fields cannot say: ours has only the jobs with both looked at. */
// prettier-ignore
const questions: Record<string, { ours: (pair: Pair) => Filter[]; theirs: (pair: Pair) => Filter[]; bar: number }> = {
  'ask for both': {
    ours:   (pair) => pair.map(({ skill_id }) => term('skill_ids', skill_id)),
    theirs: (pair) => pair.map((skill) => nested(is(skill))),
    bar: 0.9,
  },
  'require both': {
    ours:   (pair) => pair.map(({ skill_id }) => term('must_have_skill_ids', skill_id)),
    theirs: (pair) => pair.map((skill) => nested(is(skill), required)),
    bar: 1.2,
  },
  'ask for both at these levels at most': {
    ours:   (pair) => pair.flatMap((skill) => [term('skill_ids', skill.skill_id), nested(is(skill), atMost(skill))]),
    theirs: (pair) => pair.map((skill) => nested(is(skill), atMost(skill))),
    bar: 0.7,
  },
}

interface Answer {
  count: number
  ids: (string | undefined)[]
}

/** The newest 20 and how many there are, of each; in one request, so that the way there does not count. */
async function ask(index: string, filters: Filter[][]): Promise<Answer[]> {
  const bodies = filters.map((filter) => ({
    query: { bool: { filter } },
    sort: [{ posted_date: 'desc' as const }, { job_id: 'asc' as const }],
    size: 20,
    track_total_hits: true,
    _source: false,
  }))
  const { responses } = await client.msearch({
    index,
    searches: bodies.flatMap((body) => [{}, body]),
    max_concurrent_searches: 1,
  })
  return responses.map((response) => {
    if (!('hits' in response)) throw new Error(JSON.stringify(response))
    const { total, hits } = response.hits
    return { count: typeof total === 'object' ? total.value : NaN, ids: hits.map(({ _id }) => _id) }
  })
}

const draw = random(2)
/** Of one job, so that there is an answer. */
function pairOf(asked: Skill[] = []): Pair {
  const [first, second] = [Math.floor(draw() * 10), 10 + Math.floor(draw() * 10)]
  return [asked[first], asked[second]] as Pair
}
const pairs = () => Array.from({ length: searches }, () => pairOf(askedFor[Math.floor(draw() * jobs)]))

test.each(Object.entries(questions))(
  'jobs that %s are found',
  { timeout: 600_000 },
  async (what, { ours, theirs, bar }) => {
    const sample = pairs()
    const found = await ask(indices.ours, sample.map(ours))
    expect(found).toEqual(await ask(indices.theirs, sample.map(theirs)))
    const hits = found.reduce((sum, { count }) => sum + count, 0) / searches
    expect(hits).toBeGreaterThan(1)

    // Other pairs in each round, or filters of an earlier one would be in a cache.
    let round: Pair[] = []
    const flat = () => {
      round = pairs()
      return timed(() => ask(indices.ours, round.map(ours)))
    }
    const times = await compare(flat, () => timed(() => ask(indices.theirs, round.map(theirs))), rounds)
    console.log(
      `jobs that ${what}, ${figure(hits)} on average: ${figure(times.ours / searches)} ms, nested alone ${figure(times.theirs / searches)} ms, ` +
        `${figure(times.ratio)} times as fast`,
    )
    expect(times.ratio).toBeGreaterThan(bar)
  },
)
