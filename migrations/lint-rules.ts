import { commandsOf, entry, lastOf, lintLocks, statementsOf, type Node } from './lint-locks.ts'
import { clickHouseLosses, clickHouseStatements } from './runner/clickhouse-file.ts'
import { indexVersion } from './runner/elasticsearch-file.ts'
import type { Migration } from './runner/files.ts'
import { lossesOfFile } from './runner/nats-changes.ts'

/** What is wrong with a migration. Lines count from 1. */
export interface Finding {
  file: string
  line: number
  rule: string
  message: string
}

const markIt = 'mark the file breaking, so that it waits until nothing older runs'

// --- PostgreSQL -------------------------------------------------------------------------------------------------------------

/** What squawk does not know: what holds writers up, also in DO, and what an older release would miss. */
export function lintPostgres(file: string, migration: Migration, earlier: Migration[]): Finding[] {
  const statements = statementsOf(migration)
  const made = new Set(statements.flatMap(({ stmt }) => madeBy(stmt)))
  const breaks = (stmt: Node) => (migration.breaking ? undefined : (missed(stmt, made) ?? narrowed(stmt, made)))
  return [
    ...lintLocks(migration, earlier).map((finding) => ({ file, ...finding })),
    ...statements.flatMap(({ stmt, line }) => {
      const what = breaks(stmt)
      // Only from here on: one that takes the place of another may let less through.
      if (entry(stmt)[0] === 'CreatePolicyStmt') made.add(policyOf(entry(stmt)[1]))
      return what === undefined ? [] : [{ file, line, rule: 'breaks-older-releases', message: `${what}: ${markIt}` }]
    }),
  ]
}

const relationOf = (node: Node) => ((node['relation'] ?? {}) as { relname?: string }).relname ?? ''

/** Names of the tables, views and functions that a statement makes: of functions the name alone. One that may be there already is not made. */
function madeBy(stmt: Node): string[] {
  const [name, node] = entry(stmt)
  if (node['if_not_exists'] === true || node['replace'] === true) return []
  if (name === 'CreateStmt') return [relationOf(node)]
  if (name === 'ViewStmt') return [((node['view'] ?? {}) as { relname?: string }).relname ?? '']
  if (name === 'CreateFunctionStmt') return [lastOf(node['funcname'])]
  if (name !== 'CreateTableAsStmt') return []
  return [((node['into'] ?? {}) as { rel?: { relname?: string } }).rel?.relname ?? '']
}

const policyOf = (node: Node) => `policy ${String(node['policy_name'])} on ${relationOf({ relation: node['table'] })}`

/** What an older release may name. A policy, trigger, index or constraint it does not; but it needs what a policy lets it see. */
const named =
  /^OBJECT_(TABLE|FOREIGN_TABLE|VIEW|MATVIEW|COLUMN|FUNCTION|PROCEDURE|ROUTINE|AGGREGATE|TYPE|DOMAIN|SEQUENCE|SCHEMA|ATTRIBUTE)$/

/** What is not there any more under its name, not of its type, or not allowed. */
function missed(stmt: Node, made: Set<string>): string | undefined {
  const gone = goneBy(stmt, made)
  return gone === undefined ? undefined : `${gone}, which an older release may use`
}

function goneBy(stmt: Node, made: Set<string>): string | undefined {
  const [name, node] = entry(stmt)
  if (name === 'RenameStmt' && named.test(String(node['renameType']))) {
    const what = relationOf(node) || namesOf([node['object']]).join()
    return made.has(what) ? undefined : `renames ${(node['subname'] as string | undefined) ?? what}`
  }
  if (name === 'AlterEnumStmt' && typeof node['oldVal'] === 'string') return `renames value ${node['oldVal']}`
  if (name === 'DropStmt' && node['removeType'] === 'OBJECT_POLICY') {
    const policies = ((node['objects'] ?? []) as { List: { items: Node[] } }[]).map(({ List }) => {
      const [table, policy] = namesOf(List.items).slice(-2)
      return { table: table ?? '', name: `policy ${policy} on ${table}` }
    })
    const gone = policies.filter(({ table, name }) => !made.has(table) && !made.has(name)).map(({ name }) => name)
    return gone.length > 0 ? `drops ${gone.join(', ')}` : undefined
  }
  if (name === 'AlterPolicyStmt') {
    const table = relationOf({ relation: node['table'] })
    return made.has(table) || made.has(policyOf(node)) ? undefined : `changes ${policyOf(node)}`
  }
  if (name === 'DropStmt' && named.test(String(node['removeType']))) {
    const gone = namesOf(node['objects']).filter((one) => !made.has(one))
    return gone.length > 0 ? `drops ${gone.join(', ')}` : undefined
  }
  if (name === 'GrantStmt' && node['is_grant'] !== true) {
    const kept = namesOf(node['objects']).filter((one) => !made.has(one))
    return kept.length > 0 ? `takes rights on ${kept.join(', ')} away` : undefined
  }
  if (name !== 'AlterTableStmt' || made.has(relationOf(node))) return undefined
  for (const { subtype, name: column, def } of commandsOf(node)) {
    if (subtype === 'AT_ColumnDefault' && def === undefined) return `takes the default of ${String(column)} away`
    if (subtype === 'AT_EnableRowSecurity' || subtype === 'AT_ForceRowSecurity')
      return `hides rows of ${relationOf(node)}`
    if (subtype === 'AT_DropColumn') return `drops column ${String(column)}`
    if (subtype === 'AT_AlterColumnType') return `changes the type of ${String(column)}`
    if (subtype === 'AT_SetNotNull') return `wants a value in ${String(column)}`
    if (subtype === 'AT_DropNotNull') return `wants no value in ${String(column)} any more`
  }
  return undefined
}

const narrowing: Record<string, string> = {
  CONSTR_CHECK: 'CHECK',
  CONSTR_UNIQUE: 'UNIQUE',
  CONSTR_FOREIGN: 'FOREIGN KEY',
}

/** What is asked of rows from now on, also while it is NOT VALID: an older release does not know it. */
function narrowed(stmt: Node, made: Set<string>): string | undefined {
  const on = (what: string, table: string) =>
    made.has(table) ? undefined : `${what} on ${table} may refuse what an older release writes`
  const [name, node] = entry(stmt)
  // The parser leaves out what is false.
  if (name === 'CreatePolicyStmt' && node['permissive'] !== true)
    return on('a RESTRICTIVE policy', relationOf({ relation: node['table'] }))
  if (name === 'IndexStmt' && node['unique'] === true) return on('a UNIQUE index', relationOf(node))
  if (name !== 'AlterTableStmt') return undefined
  for (const { subtype, def } of commandsOf(node)) {
    const { contype } = ((def as Node | undefined)?.['Constraint'] ?? {}) as { contype?: string }
    const what = subtype === 'AT_AddConstraint' ? narrowing[contype ?? ''] : undefined
    if (what !== undefined) return on(what, relationOf(node))
  }
  return undefined
}

/** Of objects as statements list them: tables by a range, functions with their arguments, types by a name, others by a list. */
const namesOf = (objects: unknown): string[] =>
  ((objects ?? []) as Record<string, Node>[]).map(({ RangeVar, ObjectWithArgs, TypeName, List, String: plain }) =>
    RangeVar
      ? String(RangeVar['relname'])
      : plain
        ? String(plain['sval'])
        : lastOf(ObjectWithArgs?.['objname'] ?? TypeName?.['names'] ?? List?.['items']),
  )

// --- ClickHouse -------------------------------------------------------------------------------------------------------------

// prettier-ignore
const clickHouseRules: { rule: string; pattern: RegExp; message: string }[] = [
  { rule: 'view-without-table',  pattern: /^CREATE MATERIALIZED VIEW\b(?![^]*?\bON CLUSTER \*\/\s+TO\s)/i, message: 'a materialized view without TO keeps its rows in a table of its own, which goes with it: name a table' },
  { rule: 'populate',            pattern: /\bPOPULATE\b/i,                     message: 'POPULATE leaves out what is inserted meanwhile: make the view first, and fill from the service' },
  { rule: 'select-star',         pattern: /^CREATE (?:OR REPLACE |MATERIALIZED )?VIEW\b[^]*\bSELECT\s+\*/i, message: 'SELECT * of a view is fixed when it is made, and breaks it when the table changes: name the columns' },
  { rule: 'changing-default',    pattern: /\bADD COLUMN\b[^]*\b(?:DEFAULT|MATERIALIZED)\b[^]*\b(?:now|now64|today|rand\w*|generateUUIDv\d)\s*\(/i, message: 'old rows compute the default anew with each read until their part is rewritten: leave the column empty' },
  { rule: 'key-of-null',         pattern: /\ballow_nullable_key\b/i,           message: 'a key with NULL sorts by no rule that the services know: use a default value' },
]
const clickHouseBreaks = /^DROP (?:TABLE|VIEW|DICTIONARY)\b|\b(?:DROP|RENAME) COLUMN\b/i

export function lintClickHouse(file: string, migration: Migration): Finding[] {
  const statements = clickHouseStatements(migration.text)
  const retyped = new Set(
    clickHouseLosses(migration)
      .filter(({ why }) => why.startsWith('changes the type'))
      .map(({ where }) => where),
  )
  return statements.flatMap(({ text, line }, index) => {
    const found = clickHouseRules.filter(({ pattern }) => pattern.test(text))
    const breaks = clickHouseBreaks.test(text) || retyped.has(`statement ${index + 1} (line ${line})`)
    const message = `an older release may use it: ${markIt}`
    return [
      ...found.map(({ rule, message }) => ({ file, line, rule, message })),
      ...(breaks && !migration.breaking ? [{ file, line, rule: 'breaks-older-releases', message }] : []),
    ]
  })
}

// --- Elasticsearch ----------------------------------------------------------------------------------------------------------

type Fields = Record<string, { type?: string; properties?: Fields; dynamic?: unknown }>

/** `skills.name` → its type. */
function fieldsOf(properties: Fields, path: string[] = []): [string, string][] {
  return Object.entries(properties).flatMap(([name, { type = 'object', properties: inner = {} }]) => [
    [[...path, name].join('.'), type],
    ...fieldsOf(inner, [...path, name]),
  ])
}

export function lintElasticsearch(file: string, migration: Migration, earlier: Migration[]): Finding[] {
  const version = indexVersion(migration.text)
  const before = earlier.map(({ text }) => indexVersion(text)).findLast(({ index }) => index === version.index)
  const finding = (rule: string, message: string) => ({ file, line: 1, rule, message })
  const fields = new Map(fieldsOf(version.mappings.properties as Fields))
  const former = before ? fieldsOf(before.mappings.properties as Fields) : []
  const changed = former.filter(([name, type]) => fields.get(name) !== type).map(([name]) => name)
  const isNext = version.version === (before?.version ?? 0) + 1
  const isOpen = JSON.stringify(version.mappings.properties).match(/"dynamic":(?!"strict")/) !== null
  return [
    ...(isNext
      ? []
      : [
          finding(
            'version-gap',
            `version of ${version.index} is ${version.version}, and ${(before?.version ?? 0) + 1} is next`,
          ),
        ]),
    ...(isOpen
      ? [
          finding(
            'open-mapping',
            'an object with another dynamic than strict takes fields that no file names: leave it out',
          ),
        ]
      : []),
    ...(changed.length > 0 && !migration.breaking
      ? [
          finding(
            'breaks-older-releases',
            `${changed.join(', ')} is gone or of another type, and an older release may use it: ${markIt}`,
          ),
        ]
      : []),
  ]
}

// --- NATS -------------------------------------------------------------------------------------------------------------------

export function lintNats(file: string, migration: Migration, earlier: Migration[]): Finding[] {
  const losses = migration.breaking ? [] : lossesOfFile(migration, earlier)
  return losses
    .filter(({ why }) => why.startsWith('subject '))
    .map(({ where, why }) => ({
      file,
      line: 1,
      rule: 'breaks-older-releases',
      message: `${where}: ${why}, and an older release may publish to it: ${markIt}`,
    }))
}
