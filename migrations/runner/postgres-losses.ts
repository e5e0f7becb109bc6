import { loadModule, parseSync } from 'libpg-query'
import type { DataLoss } from './data-loss.ts'
import type { Migration } from './files.ts'
import { findStatements } from './statements.ts'

/*
 * What a file of PostgreSQL loses, read with PostgreSQL's own parser. Bodies of functions are not run by a file and do not count; what a
 * function that it calls does is not seen, and such a file says `-- migrate: destructive`. UPDATE is not counted: a file fills what it adds.
 */

type Node = Record<string, unknown>
interface Parsed {
  stmts?: { stmt: Node; stmt_location?: number }[]
}

await loadModule()

/** A statement as PostgreSQL's parser reads it. */
interface ParsedStatement {
  stmt: Node
  /** From 1. */
  number: number
  /** Of its first word, from 1. */
  line: number
}

/** @throws SqlError when the text does not parse: PostgreSQL would refuse it, too */
export function parseStatements(text: string): ParsedStatement[] {
  const starts = findStatements(text)
  const bytes = Buffer.from(text)
  const { stmts = [] } = parseSync(text) as Parsed
  return stmts.map(({ stmt, stmt_location = 0 }) => {
    // The parser counts bytes, and from the end of the statement before.
    const offset = bytes.subarray(0, stmt_location).toString().length
    const index = starts.findIndex(({ start }) => start >= offset)
    return { stmt, number: index + 1, line: starts[index]?.line ?? 1 }
  })
}

export function postgresLosses({ version, text, destructive }: Migration): DataLoss[] {
  const losses = parseStatements(text).flatMap(({ stmt, number, line }) =>
    [...lossesOf(stmt)].map((why) => ({ version, where: `statement ${number} (line ${line})`, why })),
  )
  const isMarked = destructive && losses.length === 0
  return isMarked ? [{ version, where: 'header', why: 'says that it is destructive' }] : losses
}

/** Objects whose drop takes rows with it; a continuous aggregate outlives the rows it was made of. */
const holders = ['OBJECT_TABLE', 'OBJECT_SCHEMA', 'OBJECT_SEQUENCE', 'OBJECT_MATVIEW']

/** Every node of a statement that loses something, at any depth: DELETE may stand in a WITH. */
function* lossesOf(node: unknown): Generator<string> {
  if (typeof node !== 'object' || node === null) return
  if (Array.isArray(node)) {
    for (const item of node) yield* lossesOf(item)
    return
  }
  for (const [name, value] of Object.entries(node)) {
    if (name === 'CreateFunctionStmt' || name === 'RuleStmt') continue
    const why = isNode(value) ? lossOf(name, value) : undefined
    if (why !== undefined) yield why
    yield* lossesOf(value)
  }
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value)

function lossOf(name: string, node: Node): string | undefined {
  switch (name) {
    case 'DropStmt':
      return dropped(node)
    case 'AlterTableStmt':
      return altered(node)
    case 'TruncateStmt':
      return `empties ${namesOf(node['relations'])}`
    case 'DeleteStmt':
      return `deletes rows of ${tableOf(node['relation'])}`
    case 'MergeWhenClause':
      return node['commandType'] === 'CMD_DELETE' ? 'deletes rows by MERGE' : undefined
    case 'DropdbStmt':
      return `drops database ${String(node['dbname'])}`
    case 'DropOwnedStmt':
      return 'drops all that a role owns'
    case 'DoStmt':
      return bodyLoss(node)
    default:
      return undefined
  }
}

function dropped(node: Node): string | undefined {
  const type = String(node['removeType'])
  const isCascade = node['behavior'] === 'DROP_CASCADE'
  // Whatever it is, a column or a table may depend on it.
  if (!holders.includes(type) && !isCascade) return undefined
  const what = type === 'OBJECT_MATVIEW' ? 'materialized view' : type.replace('OBJECT_', '').toLowerCase()
  return `drops ${what} ${stringsOf(node['objects'])} with what it holds${isCascade ? ', and what depends on it' : ''}`
}

/** @param node  AlterTableStmt: several changes, of which the first that loses something is named with all others like it */
function altered(node: Node): string | undefined {
  const commands = ((node['cmds'] ?? []) as Node[]).map((item) => item['AlterTableCmd'] as Node)
  const lost = commands.flatMap((command) => {
    const column = (command['name'] as string | undefined) ?? ''
    if (command['subtype'] === 'AT_DropColumn') return [`drops column ${column}`]
    if (command['subtype'] === 'AT_AlterColumnType' && mayNarrow(command)) return [`changes the type of ${column}`]
    return []
  })
  return lost.length > 0 ? `${lost.join(', ')} of ${tableOf(node['relation'])}` : undefined
}

/** What is of any type fits into these, as long as no expression says otherwise. What the column had before, no file says. */
const takeAll = ['text', 'varchar']

function mayNarrow(command: Node): boolean {
  const definition = (command['def'] as Node)['ColumnDef'] as Node
  const type = definition['typeName'] as Node
  const name = ((type['names'] ?? []) as { String: { sval: string } }[]).at(-1)?.String.sval ?? ''
  return definition['raw_default'] !== undefined || type['typmods'] !== undefined || !takeAll.includes(name)
}

const losing =
  /\b(DROP\s+(?:TABLE|SCHEMA|COLUMN|SEQUENCE|OWNED|DATABASE|MATERIALIZED\s+VIEW)|ALTER\s+TABLE\b[^;]*\b(?:DROP|TYPE)|CASCADE|TRUNCATE|DELETE\s+FROM|WHEN\s[^;]*THEN\s+DELETE)\b/i

/** The body of DO is another language's; its words tell enough. */
function bodyLoss(node: Node): string | undefined {
  const body = stringsOf(node['args'])
  const match = losing.exec(body)
  return match ? `has ${match[1]?.toUpperCase().replace(/\s+/g, ' ')} in the body of DO` : undefined
}

function tableOf(relation: unknown): string {
  const { schemaname, relname } = relation as { schemaname?: string; relname: string }
  return schemaname === undefined ? relname : `${schemaname}.${relname}`
}

const namesOf = (relations: unknown) =>
  (relations as { RangeVar: unknown }[]).map(({ RangeVar }) => tableOf(RangeVar)).join(', ')

/** All strings below, as a dotted name; several are separated by commas. */
function stringsOf(node: unknown): string {
  if (Array.isArray(node)) return node.map(stringsOf).filter(Boolean).join(', ')
  if (!isNode(node)) return ''
  const list = node['List'] as { items: unknown[] } | undefined
  if (list) return list.items.map(stringsOf).join('.')
  const text = node['String'] as { sval: string } | undefined
  if (text) return text.sval
  return Object.values(node).map(stringsOf).filter(Boolean).join(', ')
}
