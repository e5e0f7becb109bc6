import { randomBytes } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { retiredTemplate } from '../../crds/retention-marks.ts'
import type { Endpoint } from './connection.ts'
import type { Connect } from './dialect.ts'
import { schemaDifferences } from './differences.ts'
import { keptIn } from './documents.ts'
import type { Documents, Key } from './documents.ts'
import { bring, removeGone } from './elasticsearch-copy.ts'
import { indexVersion } from './elasticsearch-file.ts'
import type { IndexVersion } from './elasticsearch-file.ts'
import { ask, find, ServerError } from './elasticsearch-request.ts'
import type { Session } from './elasticsearch-request.ts'
import { Failed, Refused } from './errors.ts'
import type { MigrationSet } from './files.ts'
import { isConnectionError, newHttp, untilThere, wordsOf } from './http.ts'
import { runAll, stepwise } from './stepwise.ts'
import type { Engine, Explained, Step } from './stepwise.ts'

/**
 * What the runner does in a store of Elasticsearch. An index never changes its mapping: the next version is made beside it and filled
 * while the old one is read and written; then the old one takes no more documents, what is missing follows, numbers are compared, and
 * one request gives the alias to the new one. Who reads by the alias notices nothing; a write in the moment between is refused (403) and
 * has to be tried again.
 */
export function elasticsearch(endpoint: Endpoint): Connect {
  return async (options) => {
    const http = newHttp(endpoint)
    const session: Session = { http, prefix: endpoint.database, log: options.log }
    try {
      await untilThere(options, () => whyNotThere(session))
      return stepwise(engineOf(session), options)
    } catch (error) {
      await http.close()
      throw error
    }
  }
}

async function whyNotThere(session: Session): Promise<string | undefined> {
  try {
    await ask(session, 'GET', '/_cluster/health?timeout=1s')
    return undefined
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    if ([401, 403].includes(error.status)) throw new Failed('Unavailable', `cannot connect: ${error.message}`)
    return error.message
  }
}

// --- the engine -------------------------------------------------------------------------------------------------------------

function engineOf(session: Session): Engine {
  return {
    extension: 'json',
    steps: ({ text, checksum }) => stepsOf(session, indexVersion(text), checksum),
    // A new version takes all documents along, or fails; the one before stays for keep_days.
    losses: () => [],
    existing: (files) => existing(session, files),
    differences: (files, signal) => differencesFrom(session, files, signal),
    ...keptIn(documents(session)),
    explain,
    close: () => session.http.close(),
  }
}

function explain(error: unknown): Explained | undefined {
  // 429: too much at once; 5xx: it starts, stops, or looks for its master.
  if (error instanceof ServerError) return { words: error.message, mayPass: error.status >= 429 }
  return isConnectionError(error) ? { words: wordsOf(error), mayPass: true } : undefined
}

/** Each looks first whether it is so already. */
function stepsOf(session: Session, version: IndexVersion, checksum: string): Step[] {
  const alias = `${session.prefix}-${version.index}`
  const index = `${alias}_v${version.version}`
  const text = JSON.stringify(version)
  const step = (title: string, run: Step['run']): Step => ({ title, text: `${title} ${text}`, run })
  return [
    step(`index template ${alias}`, () => bringTemplate(session, alias, version, checksum)),
    step(`index ${index}`, () => bringIndex(session, index, alias, checksum)),
    step(`documents of ${index}`, (signal) => fill(session, index, alias, signal)),
    step(`alias ${alias}`, (signal) => bringAlias(session, { index, alias, keepDays: version.keep_days }, signal)),
  ]
}

/** Every index of these versions is strict, also one that somebody makes by hand. */
async function bringTemplate(
  session: Session,
  alias: string,
  { settings, mappings }: IndexVersion,
  checksum: string,
): Promise<void> {
  const template = (own: Record<string, unknown>) => ({
    index_patterns: [`${alias}_v*`],
    priority: 500,
    template: { settings: own, mappings: { ...mappings, _meta: { checksum } } },
  })
  const path = `/_index_template/${alias}`
  try {
    await ask(session, 'PUT', path, template(settings))
  } catch (error) {
    if (!(error instanceof ServerError) || !/synonyms_path/.test(error.message)) throw error
    // A cluster of somebody else's, whose nodes do not have our file.
    session.log(`the file of synonyms is not on the nodes, so its rules become part of the index: ${error.message}`)
    await ask(session, 'PUT', path, template((await inlined(settings)) as Record<string, unknown>))
  }
}

/** Settings with the rules of each `synonyms_path` in its place. */
async function inlined(value: unknown): Promise<unknown> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  const { synonyms_path: path, ...rest } = value as Record<string, unknown>
  const entries = await Promise.all(Object.entries(rest).map(async ([key, of]) => [key, await inlined(of)] as const))
  const rules = typeof path === 'string' ? { synonyms: await rulesOf(path) } : {}
  return { ...Object.fromEntries(entries), ...rules }
}

/** @param path  as the nodes see it: `analysis/skills_synonyms.txt` */
async function rulesOf(path: string): Promise<string[]> {
  const file = path.split('/').at(-1) ?? ''
  const text = await readFile(join(import.meta.dirname, '../search', file), 'utf8')
  return text.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
}

interface Meta {
  checksum?: string
  retired_at?: string
  keep_days?: number
}

type Mappings = Record<string, { mappings: { _meta?: Meta } }>

const metaOf = async (session: Session, index: string) => {
  const found = await find<Mappings>(session, `/${index}/_mapping`)
  return found && (found[index]?.mappings._meta ?? {})
}

async function bringIndex(session: Session, index: string, alias: string, checksum: string): Promise<void> {
  const meta = await metaOf(session, index)
  if (meta?.checksum === checksum) return
  if (meta) {
    if ((await indexOf(session, alias)) === index)
      throw new Refused(
        'WouldLoseData',
        `index ${index} is in use and was made of other settings or mappings: give the file the next version`,
      )
    // Of a file that was corrected before it was done: all it can hold are copies.
    await ask(session, 'DELETE', `/${index}`)
  }
  await ask(session, 'PUT', `/${index}?wait_for_active_shards=1`, {})
}

/** The index that an alias names. */
async function indexOf(session: Session, alias: string): Promise<string | undefined> {
  const found = await find<Record<string, unknown>>(session, `/_alias/${alias}`)
  return Object.keys(found ?? {})[0]
}

/** While the old version is in use; what changes meanwhile follows when the alias moves. */
async function fill(session: Session, index: string, alias: string, signal: AbortSignal): Promise<void> {
  const old = await indexOf(session, alias)
  if (old === undefined || old === index) return
  session.log(`${index}: ${await bring(session, old, index, signal)} documents of ${old} copied`)
}

async function bringAlias(
  session: Session,
  { index, alias, keepDays }: { index: string; alias: string; keepDays: number },
  signal: AbortSignal,
): Promise<void> {
  const old = await indexOf(session, alias)
  if (old !== index) await moveAlias(session, { index, alias, old }, signal)
  await retire(session, alias, index, keepDays)
}

async function moveAlias(
  session: Session,
  { index, alias, old }: { index: string; alias: string; old: string | undefined },
  signal: AbortSignal,
): Promise<void> {
  const add = { add: { index, alias, is_write_index: true } }
  if (old === undefined) return void (await ask(session, 'POST', '/_aliases', { actions: [add] }))
  await unmark(session, old)
  // Waits for writes that are under way.
  await ask(session, 'PUT', `/${old}/_block/write`)
  try {
    const [late, gone] = [await bring(session, old, index, signal), await removeGone(session, old, index, signal)]
    session.log(`${index}: ${late} documents that came meanwhile copied, ${gone} that went removed`)
    const [before, after] = [await countOf(session, old), await countOf(session, index)]
    if (before !== after) throw new Failed('StatementFailed', `${index} has ${after} documents, ${old} has ${before}`)
    await ask(session, 'POST', '/_aliases', { actions: [{ remove: { index: old, alias } }, add] })
  } catch (error) {
    // Unless it moved: then the old version stays as it was at that moment.
    if ((await indexOf(session, alias)) === old)
      await ask(session, 'PUT', `/${old}/_settings`, { 'index.blocks.write': null })
    throw error
  }
}

async function countOf(session: Session, index: string): Promise<number> {
  await ask(session, 'POST', `/${index}/_refresh`)
  return (await ask<{ count: number }>(session, 'GET', `/${index}/_count`)).count
}

/** One that somebody took back into use is retired from when it is left again, not from the first time. */
async function unmark(session: Session, index: string): Promise<void> {
  const found = (await find<Mappings>(session, `/${index}/_mapping`))?.[index]
  const { retired_at, keep_days: _, ...meta } = found?.mappings._meta ?? {}
  if (retired_at !== undefined) await ask(session, 'PUT', `/${index}/_mapping`, { _meta: meta })
}

/** Marks the versions that are no longer used, and deletes those that were marked long enough ago, unless the operator does. */
async function retire(session: Session, alias: string, index: string, keepDays: number): Promise<void> {
  const all = (await find<Mappings>(session, `/${alias}_v*/_mapping`)) ?? {}
  const byOperator = (await find(session, `/_component_template/${retiredTemplate(session.prefix)}`)) !== undefined
  for (const [name, { mappings }] of Object.entries(all)) {
    if (name === index) continue
    const { _meta: meta = {} } = mappings
    const since = meta.retired_at
    if (since === undefined) {
      const marked = { ...meta, retired_at: new Date().toISOString(), keep_days: keepDays }
      await ask(session, 'PUT', `/${name}/_mapping`, { _meta: marked })
    } else if (!byOperator && Date.now() - Date.parse(since) > (meta.keep_days ?? keepDays) * 86_400_000) {
      await ask(session, 'DELETE', `/${name}`)
      session.log(`${name} was kept since ${since} and is deleted`)
    }
  }
}

// --- an existing schema ------------------------------------------------------------------------------------------------------

/** The files are run under another prefix, and what that makes goes again. */
async function differencesFrom(session: Session, files: MigrationSet, signal: AbortSignal): Promise<string[]> {
  const scratch: Session = { ...session, prefix: `${session.prefix}-baseline${randomBytes(4).toString('hex')}` }
  const names = new Set(files.migrations.map(({ text }) => indexVersion(text).index))
  try {
    await runAll(engineOf(scratch), files, signal)
    return schemaDifferences(await readIndices(scratch, names), await readIndices(session, names))
  } finally {
    const made = (await find<Mappings>(session, `/${scratch.prefix}-*/_mapping`)) ?? {}
    for (const index of Object.keys(made)) await ask(session, 'DELETE', `/${index}`)
    for (const name of names)
      await ask(session, 'DELETE', `/_index_template/${scratch.prefix}-${name}`).catch(() => undefined)
  }
}

/** Also a version of an index that no alias names. */
async function existing(session: Session, { migrations }: MigrationSet): Promise<string | undefined> {
  for (const name of new Set(migrations.map(({ text }) => indexVersion(text).index))) {
    const found = (await find<Mappings>(session, `/${session.prefix}-${name}_v*/_mapping`)) ?? {}
    const [index = await indexOf(session, `${session.prefix}-${name}`)] = Object.keys(found)
    if (index !== undefined) return `index ${index}`
  }
  return undefined
}

interface Templates {
  index_templates?: { index_template: { template: { mappings?: Record<string, unknown> } } }[]
}
type Settings = Record<string, { settings: Record<string, unknown> }>

/** What an index is given when it is made, and no file says. */
const own = /^index\.(uuid|creation_date|provided_name|version\.|history|routing\.|blocks\.|resize|number_of_replicas)/

/** Alias, mapping, settings and template of each index, without the prefix. */
async function readIndices(session: Session, names: Set<string>): Promise<Map<string, string>> {
  const found = new Map<string, string>()
  const text = (value: unknown) => JSON.stringify(value).replaceAll(`${session.prefix}-`, '')
  for (const name of names) {
    const alias = `${session.prefix}-${name}`
    const index = await indexOf(session, alias)
    if (index === undefined) continue
    found.set(`alias ${name}`, text(index))
    const { _meta: _, ...mapping } = (await find<Mappings>(session, `/${index}/_mapping`))?.[index]?.mappings ?? {}
    found.set(`mapping of ${name}`, text(mapping))
    const settings = (await find<Settings>(session, `/${index}/_settings?flat_settings=true`))?.[index]?.settings ?? {}
    const given = Object.entries(settings).filter(([key]) => !own.test(key))
    const { index_templates: [template] = [] } = (await find<Templates>(session, `/_index_template/${alias}`)) ?? {}
    const { _meta: __, ...mappings } = template?.index_template.template.mappings ?? {}
    found.set(`template of ${name}`, template ? text({ ...template.index_template.template, mappings }) : 'not there')
    found.set(`settings of ${name}`, text(given.sort(([one], [other]) => one.localeCompare(other))))
  }
  return found
}

// --- ledger and lease -------------------------------------------------------------------------------------------------------

/** Not among the names that applications may write. */
const ledgerOf = ({ prefix }: Session) => `${prefix}_schema_migrations`

const ledgerIndex = {
  settings: { number_of_shards: 1, auto_expand_replicas: '0-1' },
  mappings: { dynamic: 'strict', properties: { text: { type: 'keyword', index: false, doc_values: false } } },
}

interface Found {
  _seq_no: number
  _primary_term: number
  _source: { text: string }
}

function documents(session: Session): Documents {
  const path = (key: Key) => `/${ledgerOf(session)}/_doc/${key}`
  return {
    async read(key) {
      const found = await find<Found>(session, path(key))
      return found && { version: versionOf(found), text: found._source.text }
    },
    async replace(key, from, text) {
      const [number = '', term = ''] = from?.split(':') ?? []
      const condition = from === undefined ? 'op_type=create' : `if_seq_no=${number}&if_primary_term=${term}`
      try {
        await createLedger(session)
        return versionOf(await ask<Found>(session, 'PUT', `${path(key)}?${condition}`, { text }))
      } catch (error) {
        if (error instanceof ServerError && error.status === 409) return undefined
        throw error
      }
    },
  }
}

const versionOf = ({ _seq_no, _primary_term }: Found) => `${_seq_no}:${_primary_term}`

async function createLedger(session: Session): Promise<void> {
  if (await find(session, `/${ledgerOf(session)}`)) return
  try {
    await ask(session, 'PUT', `/${ledgerOf(session)}`, ledgerIndex)
  } catch (error) {
    // Another one was quicker.
    if (!(error instanceof ServerError) || !/already exists/.test(error.message)) throw error
  }
}
