import { parsePlPgSQLSync, type SqlError } from 'libpg-query'
import type { Migration } from './runner/files.ts'
import { parseStatements } from './runner/postgres-losses.ts'

/*
 * What a file of PostgreSQL does to those who write meanwhile. A form passes when it is in `measured` below: bench/stall.slow.test.ts
 * runs each of them over two million rows beside two writers, and fails when one is not there. The body of DO counts, and so do the texts
 * that it executes. What a trigger does, or a function that a file calls, is not seen: such a function has to be in `callable`.
 */

export type Node = Record<string, unknown>

/** Statements, and changes of ALTER TABLE, that hold no writer up, each under the conditions that `problemOf` and `changeProblem` set. */
// prettier-ignore
export const measured: ReadonlySet<string> = new Set([
  'CreateStmt', 'CreateTableAsStmt', 'IndexStmt', 'ViewStmt', 'CreateSeqStmt', 'CreateSchemaStmt', 'CreateStatsStmt', 'CreateFunctionStmt',
  'CreateTrigStmt', 'CreatePolicyStmt', 'AlterPolicyStmt', 'CompositeTypeStmt', 'CreateEnumStmt', 'AlterEnumStmt', 'CreateDomainStmt',
  'DefineStmt', 'AlterTSConfigurationStmt', 'AlterFunctionStmt', 'CommentStmt', 'GrantStmt', 'RenameStmt', 'DropStmt', 'AlterOwnerStmt',
  'SelectStmt', 'InsertStmt', 'TruncateStmt', 'RefreshMatViewStmt', 'VacuumStmt', 'VariableSetStmt',
  'AT_AddColumn', 'AT_DropColumn', 'AT_ColumnDefault', 'AT_DropNotNull', 'AT_SetNotNull', 'AT_SetStatistics', 'AT_SetOptions',
  'AT_ResetOptions', 'AT_SetStorage', 'AT_SetCompression', 'AT_AddIdentity', 'AT_SetIdentity', 'AT_DropIdentity', 'AT_AddConstraint',
  'AT_AlterConstraint', 'AT_ValidateConstraint', 'AT_DropConstraint', 'AT_SetRelOptions', 'AT_ResetRelOptions', 'AT_EnableTrig',
  'AT_DisableTrig', 'AT_EnableRowSecurity', 'AT_DisableRowSecurity', 'AT_ForceRowSecurity', 'AT_NoForceRowSecurity', 'AT_ReplicaIdentity',
  'AT_ChangeOwner', 'AT_AttachPartition',
])

const addThenFill = 'add the column without it, and have the service or a maintenance job fill it in batches'
const notValid =
  'reads the whole table while nobody writes: ADD CONSTRAINT … NOT VALID, and VALIDATE it in a file of its own'
const byIndex =
  'makes an index while nobody else uses the table: CREATE UNIQUE INDEX CONCURRENTLY in a file of its own, then ADD CONSTRAINT … UNIQUE USING INDEX'
const byJob = 'leave it to a maintenance job'
const inBatches =
  'holds every row that it changes until the file ends: have the service or a maintenance job do it in batches'

/** Forms that are known to hold writers up. Any other that is not in `measured` is refused as well. */
const refused: Record<string, string> = {
  LockStmt: 'LOCK TABLE keeps everybody out until the file ends: leave it out',
  ClusterStmt: 'CLUSTER rewrites the table, and nobody reads it meanwhile: leave it out',
  ReindexStmt: `REINDEX keeps writers out, and CONCURRENTLY runs in no transaction: make a new index CONCURRENTLY, then drop the old one`,
  CallStmt: `what a procedure does is not seen: ${byJob}`,
  AlterTableMoveAllStmt: 'SET TABLESPACE rewrites each table, and nobody reads it meanwhile: leave it out',
  AT_SetLogged: 'SET LOGGED rewrites the table, and nobody reads it meanwhile: leave it out',
  AT_SetUnLogged: 'SET UNLOGGED rewrites the table, and nobody reads it meanwhile: leave it out',
  AT_SetTableSpace: 'SET TABLESPACE rewrites the table, and nobody reads it meanwhile: leave it out',
  AT_SetAccessMethod: 'SET ACCESS METHOD rewrites the table, and nobody reads it meanwhile: leave it out',
  AT_ClusterOn: 'CLUSTER ON is for a command that rewrites the table, and nobody reads it meanwhile: leave it out',
  AT_SetExpression: `SET EXPRESSION rewrites the table, and nobody reads it meanwhile: ${addThenFill}`,
  AT_AlterColumnType: `a change of type rewrites the table, and nobody reads it meanwhile: add a column of the new type, and have the service fill it in batches`,
  AT_DetachPartition: `DETACH PARTITION waits for all who use the table, and CONCURRENTLY runs in no transaction: ${byJob}`,
}

/** Functions of our files that a file may call, and what they do. */
const callable: Record<string, string> = {
  add_event_triggers: 'makes triggers',
  create_range_partition: 'makes a partition, as upkeep does all the time',
  create_monthly_partitions: 'the same',
  create_outbox_partitions: 'the same',
  create_audit_partitions: 'the same',
}

export interface LockFinding {
  line: number
  rule: string
  message: string
}

/** Of the statements so far, those of earlier files too. Tables by their full names. */
interface Known {
  partitioned: Set<string>
  /** Parents that have a default partition. */
  caught: Set<string>
  /** Columns that a CHECK says are not null, by `table constraint`. */
  notNull: Map<string, string>
  /** Columns, as `table column`, whose CHECK is validated. */
  proven: Set<string>
  functions: Set<string>
  domains: Set<string>
}

/** Of the file so far. */
interface Here {
  /** Tables, views and indexes that nobody uses yet. */
  made: Set<string>
  /** Those of them that have rows of tables in use. */
  filled: Set<string>
  /** Those of them with a foreign key: each of their rows locks one of another table. */
  referring: Set<string>
  /** What keeps writers of a table in use waiting until the file ends. */
  held?: { line: number; what: string }
}

export function lintLocks(migration: Migration, earlier: Migration[]): LockFinding[] {
  const known: Known = {
    partitioned: new Set(),
    caught: new Set(),
    notNull: new Map(),
    proven: new Set(),
    functions: new Set(),
    domains: new Set(),
  }
  for (const { stmt } of earlier.flatMap(statementsOf)) learn(stmt, known)
  const here: Here = { made: new Set(), filled: new Set(), referring: new Set() }
  return statementsOf(migration).flatMap(({ stmt, line }) => {
    const found = findingsOf(stmt, known, here).map((finding) => ({ line, ...finding }))
    learn(stmt, known)
    note(stmt, line, known, here)
    return found
  })
}

// --- Reading ----------------------------------------------------------------------------------------------------------------

interface Statement {
  stmt: Node
  line: number
}

const parsed = new WeakMap<Migration, Statement[]>()

/** The statements of a file; instead of DO those of its body. Kept, for a file is an earlier one of many. */
export function statementsOf(migration: Migration): Statement[] {
  const statements = parsed.get(migration) ?? read(migration.text)
  parsed.set(migration, statements)
  return statements
}

function read(text: string): Statement[] {
  try {
    return parseStatements(text).flatMap(({ stmt, line }) => inside(stmt).map((one) => ({ stmt: one, line })))
  } catch (error) {
    const { sqlDetails, message } = error as SqlError
    const line = Buffer.from(text).subarray(0, sqlDetails?.cursorPosition).toString().split('\n').length
    return [{ stmt: unreadable(message), line }]
  }
}

function inside(stmt: Node): Node[] {
  const [name, node] = entry(stmt)
  if (name !== 'DoStmt') return [stmt]
  const args = (node['args'] as { DefElem: { defname: string; arg: Name } }[]).map(({ DefElem }) => DefElem)
  const body = args.find(({ defname }) => defname === 'as')?.arg.String?.sval ?? ''
  const language = args.find(({ defname }) => defname === 'language')?.arg.String?.sval ?? 'plpgsql'
  if (language !== 'plpgsql') return [unreadable(`what DO in ${language} does is not seen: write it in plpgsql`)]
  return nodesOf(parsePlPgSQLSync(`DO $lint$${body}$lint$`))
    .filter(([kind]) => kind === 'PLpgSQL_expr')
    .flatMap(([, { query, parseMode }]) => ofExpression(String(query), Number(parseMode)))
}

/** @param mode  0: a statement, 2: an expression, more: an assignment */
function ofExpression(query: string, mode: number): Node[] {
  const text = mode === 0 ? query : `SELECT ${mode === 2 ? query : query.slice(query.indexOf(':=') + 2)}`
  const statements = tryToParse(text)
  if (!statements) return [unreadable(asWhole(query))]
  // A text may be built here and executed there.
  const texts = nodesOf(statements.filter((stmt) => entry(stmt)[0] === 'SelectStmt'))
    .filter(([kind]) => kind === 'A_Const')
    .map(([, { sval }]) => (sval as { sval?: string } | undefined)?.sval ?? '')
  return [...statements, ...texts.flatMap(ofText)]
}

const verb =
  /^\s*(WITH|SELECT|INSERT|UPDATE|DELETE|MERGE|ALTER|CREATE|DROP|TRUNCATE|LOCK|CLUSTER|REINDEX|REFRESH|VACUUM|COPY|CALL|DO|SET)\s/i
const safeHoweverItEnds = /^\s*CREATE\s+(CONSTRAINT\s+TRIGGER|TRIGGER|POLICY)\s/i

/** A text that may be executed, of which format() fills places. */
function ofText(text: string): Node[] {
  if (!verb.test(text)) return []
  const filled = text.replace(/%(?:\d+\$)?([IsL])/g, (_place, kind) => (kind === 'L' ? "'x'" : 'x'))
  const statements = tryToParse(filled)
  if (statements) return statements
  return safeHoweverItEnds.test(text) ? [] : [unreadable(asWhole(text))]
}

function tryToParse(text: string): Node[] | undefined {
  try {
    return parseStatements(text).flatMap(({ stmt }) => inside(stmt))
  } catch {
    return undefined
  }
}

const asWhole = (text: string) =>
  `what "${text.trim()}" does cannot be read: write each statement as a whole, with format() for names`
const unreadable = (why: string): Node => ({ Unreadable: { why } })

/** Every node below, with its name. */
function nodesOf(tree: unknown): [string, Node][] {
  if (typeof tree !== 'object' || tree === null) return []
  if (Array.isArray(tree)) return tree.flatMap(nodesOf)
  return Object.entries(tree).flatMap(([name, value]) =>
    isNode(value) ? [[name, value] as [string, Node], ...nodesOf(value)] : nodesOf(value),
  )
}

const isNode = (value: unknown): value is Node => typeof value === 'object' && value !== null && !Array.isArray(value)

export function entry(stmt: Node): [string, Node] {
  const [[name, node] = ['', {}]] = Object.entries(stmt)
  return [name, node as Node]
}

type Name = { String?: { sval: string } }
export const lastOf = (names: unknown) => ((names ?? []) as Name[]).at(-1)?.String?.sval ?? ''

/** Each file starts with the search path `public`. */
function fullName(relation: unknown): string {
  const { schemaname = 'public', relname = '' } = (relation ?? {}) as { schemaname?: string; relname?: string }
  return `${schemaname}.${relname}`
}

/** Of objects as DROP lists them, but the last words. */
function fullNames(objects: unknown, without = 0): string[] {
  return ((objects ?? []) as { List?: { items: Name[] } }[]).flatMap(({ List }) => {
    if (!List) return []
    const [relname, schemaname] = List.items
      .map((item) => item.String?.sval ?? '')
      .reverse()
      .slice(without)
    return [fullName({ relname, ...(schemaname === undefined ? {} : { schemaname }) })]
  })
}

export const commandsOf = (node: Node) => ((node['cmds'] ?? []) as Node[]).map((item) => item['AlterTableCmd'] as Node)

const short = (table: string) => table.replace(/^public\./, '')

/** What stands in `measured` for a statement. */
export const formsOf = (stmt: Node): string[] => {
  const [name, node] = entry(stmt)
  return name === 'AlterTableStmt' ? commandsOf(node).map(({ subtype }) => String(subtype)) : [name]
}

// --- What is known ----------------------------------------------------------------------------------------------------------

type Constraint = Node & { contype: string; conname?: string; raw_expr?: Node }

const constraintsOf = (elements: unknown): Constraint[] =>
  nodesOf(elements)
    .filter(([name]) => name === 'Constraint')
    .map(([, node]) => node as Constraint)

function learn(stmt: Node, known: Known): void {
  const [name, node] = entry(stmt)
  const table = fullName(node['relation'])
  if (name === 'CreateFunctionStmt') known.functions.add(lastOf(node['funcname']))
  if (name === 'CreateDomainStmt') known.domains.add(lastOf(node['domainname']))
  if (name === 'CreateStmt') {
    if (node['partspec'] !== undefined) known.partitioned.add(table)
    if ((node['partbound'] as Node | undefined)?.['is_default'] === true) known.caught.add(parentOf(node))
  }
  if (name !== 'AlterTableStmt') return
  for (const { subtype, name: of, def } of commandsOf(node)) {
    const checked = subtype === 'AT_AddConstraint' && notNullOf((def as Node)['Constraint'] as Constraint)
    if (checked) known.notNull.set(`${table} ${checked.name}`, checked.column)
    const column = known.notNull.get(`${table} ${String(of)}`)
    if (subtype === 'AT_ValidateConstraint' && column !== undefined) known.proven.add(`${table} ${column}`)
    // The rule is gone with its constraint, and so is the proof.
    if (subtype === 'AT_DropConstraint' && column !== undefined) known.proven.delete(`${table} ${column}`)
  }
}

const parentOf = (node: Node) => fullName(((node['inhRelations'] ?? []) as { RangeVar: unknown }[])[0]?.RangeVar)

/** Of CHECK (column IS NOT NULL). */
function notNullOf({ contype, conname, raw_expr }: Constraint): { name: string; column: string } | undefined {
  const test = raw_expr?.['NullTest'] as { arg: { ColumnRef?: { fields: Name[] } }; nulltesttype: string } | undefined
  if (contype !== 'CONSTR_CHECK' || conname === undefined || test?.nulltesttype !== 'IS_NOT_NULL') return undefined
  return { name: conname, column: lastOf(test.arg.ColumnRef?.fields) }
}

/** What the file made, filled or holds by this statement. What may be there already is not made. */
function note(stmt: Node, line: number, known: Known, here: Here): void {
  const [name, node] = entry(stmt)
  const table = fullName(node['relation'])
  const isSure = node['if_not_exists'] !== true
  if (name === 'CreateStmt' && isSure) {
    here.made.add(table)
    if (constraintsOf(node['tableElts']).some(isForeign)) here.referring.add(table)
  }
  if (name === 'CreateTableAsStmt' && isSure) {
    const into = fullName((node['into'] as Node)['rel'])
    here.made.add(into)
    if (readsUse(stmt, here)) here.filled.add(into)
  }
  if (name === 'IndexStmt' && isSure && here.made.has(table))
    here.made.add(fullName({ ...(node['relation'] as Node), relname: node['idxname'] }))
  if (name === 'InsertStmt' && here.made.has(table) && readsUse(stmt, here)) here.filled.add(table)
  if (name === 'AlterTableStmt' && constraintsOf(node['cmds']).some(isForeign)) here.referring.add(table)
  const what = holds(stmt, known, here)
  if (what !== undefined) here.held ??= { line, what }
}

const isForeign = ({ contype }: Constraint) => contype === 'CONSTR_FOREIGN'

/** Which table in use a statement keeps writers out of until the file ends. Some of these locks would let writers through: taken for one that does not. */
function holds(stmt: Node, known: Known, here: Here): string | undefined {
  const [name, node] = entry(stmt)
  const inUse = (table: string) => (here.made.has(table) ? undefined : short(table))
  const referred = constraintsOf([node['tableElts'], node['cmds']])
    .filter(isForeign)
    .map(({ pktable }) => inUse(fullName(pktable)))
    .find(Boolean)
  if (name === 'CreateStmt') return (node['partbound'] === undefined ? undefined : inUse(parentOf(node))) ?? referred
  if (name === 'AlterTableStmt') {
    const isValidation = commandsOf(node).every(({ subtype }) => subtype === 'AT_ValidateConstraint')
    return (isValidation ? undefined : inUse(fullName(node['relation']))) ?? referred
  }
  if (['CreateTrigStmt', 'IndexStmt', 'RenameStmt'].includes(name))
    return node['relation'] === undefined || node['concurrent'] === true ? undefined : inUse(fullName(node['relation']))
  if (['CreatePolicyStmt', 'AlterPolicyStmt'].includes(name)) return inUse(fullName(node['table']))
  if (name === 'TruncateStmt') return rangesOf(node['relations']).map(inUse).find(Boolean)
  if (name === 'DropStmt') return droppedFrom(node).map(inUse).find(Boolean)
  if (name === 'SelectStmt' && callsOf(stmt, known).length > 0) return `what ${callsOf(stmt, known).join()}() changes`
  return undefined
}

/** Tables, views and indexes, or the tables whose trigger or policy it is. */
const droppedFrom = ({ removeType, objects }: Node) =>
  fullNames(objects, /TRIGGER|POLICY|RULE/.test(String(removeType)) ? 1 : 0)

const rangesOf = (tree: unknown): string[] =>
  nodesOf(tree)
    .filter(([name]) => name === 'RangeVar')
    .map(([, node]) => fullName(node))

const run = ['SelectStmt', 'InsertStmt', 'UpdateStmt', 'DeleteStmt', 'MergeStmt', 'CreateTableAsStmt']

/** Whether it reads tables in use, or what was filled from them: as long as these are. */
function readsUse(stmt: Node, here: Here): boolean {
  const [name, node] = entry(stmt)
  if (!run.includes(name) || (node['into'] as Node | undefined)?.['skipData'] === true) return false
  const named = nodesOf(stmt).flatMap(([kind, node]) =>
    kind === 'CommonTableExpr' ? [fullName({ relname: node['ctename'] })] : [],
  )
  return rangesOf(stmt).some(
    (table) =>
      !named.includes(table) &&
      !/^(public\.pg_|pg_catalog\.|information_schema\.)/.test(table) &&
      (!here.made.has(table) || here.filled.has(table)),
  )
}

/** Functions of our files that a statement calls. */
const callsOf = (stmt: Node, known: Known): string[] =>
  run.includes(entry(stmt)[0])
    ? nodesOf(stmt)
        .filter(([name]) => name === 'FuncCall')
        .map(([, node]) => lastOf(node['funcname']))
        .filter((name) => known.functions.has(name))
    : []

// --- What is wrong ----------------------------------------------------------------------------------------------------------

function findingsOf(stmt: Node, known: Known, here: Here): { rule: string; message: string }[] {
  const problems = [problemOf(stmt, known, here), ...changeProblems(stmt, known, here)]
  const blocks = problems.filter((problem) => problem !== undefined)
  const unlisted = formsOf(stmt).filter((form) => !measured.has(form) && refused[form] === undefined)
  const isOfMade = here.made.has(fullName(entry(stmt)[1]['relation']))
  return [
    ...new Set(blocks).values().map((message) => ({ rule: 'blocks-others', message })),
    ...(isOfMade || blocks.length > 0 ? [] : unlisted).map((form) => ({
      rule: 'unmeasured',
      message: `nobody has measured what ${form} does to writers: add it to bench/stall.slow.test.ts and lint-locks.ts`,
    })),
    ...(here.held && isLong(stmt, here) ? [{ rule: 'long-under-lock', message: longUnder(here.held) }] : []),
  ]
}

const longUnder = ({ line, what }: { line: number; what: string }) =>
  `takes as long as there are rows, and line ${line} keeps writers of ${what} waiting until the file ends: put one of the two into another file`

/** Whether a statement takes as long as there are rows. */
function isLong(stmt: Node, here: Here): boolean {
  const [name, node] = entry(stmt)
  if (readsUse(stmt, here)) return true
  if (name === 'AlterTableStmt' && commandsOf(node).some(({ subtype }) => subtype === 'AT_ValidateConstraint'))
    return true
  if (['IndexStmt', 'AlterTableStmt'].includes(name)) return here.filled.has(fullName(node['relation']))
  return ['RefreshMatViewStmt', 'VacuumStmt'].includes(name)
}

function problemOf(stmt: Node, known: Known, here: Here): string | undefined {
  const [name, node] = entry(stmt)
  const table = fullName(node['relation'])
  const isMade = here.made.has(table)
  if (name === 'Unreadable') return String(node['why'])
  const called = callsOf(stmt, known).find((one) => callable[one] === undefined)
  if (called !== undefined) return `calls ${called}(), and what that does is not seen: see callable in lint-locks.ts`
  if (run.includes(name)) return writes(stmt, here)
  if (name === 'RefreshMatViewStmt' && node['concurrent'] !== true && !isMade)
    return `REFRESH without CONCURRENTLY keeps readers out: ${byJob}`
  if (name === 'IndexStmt' && !isMade && node['concurrent'] !== true) return indexProblem(node, table, known)
  if (name === 'DropStmt' && node['removeType'] === 'OBJECT_INDEX' && node['concurrent'] !== true) {
    const isUsed = fullNames(node['objects']).some((one) => !here.made.has(one))
    return isUsed
      ? 'DROP INDEX waits for all who use the table, and whoever comes later waits behind it: DROP INDEX CONCURRENTLY, in a file of its own'
      : undefined
  }
  if (name === 'CreateStmt' && node['partbound'] !== undefined) return partitionProblem(parentOf(node), known, here)
  if (name === 'VacuumStmt' && node['is_vacuumcmd'] === true) return `VACUUM runs in no transaction: ${byJob}`
  if (name === 'VariableSetStmt' && node['name'] === 'lock_timeout') return keepTimeout
  return isMade ? undefined : refused[name]
}

const keepTimeout =
  'lock_timeout is what lets writers through when a file waits for a table: leave it as the runner sets it'

/** What a statement writes, or holds, of rows that are there already. */
function writes(stmt: Node, here: Here): string | undefined {
  for (const [name, node] of nodesOf(stmt)) {
    const isMade = here.made.has(fullName(node['relation']))
    if (['UpdateStmt', 'DeleteStmt', 'MergeStmt'].includes(name) && !isMade) return inBatches
    const onConflict = (node['onConflictClause'] as Node | undefined)?.['action']
    if (name === 'InsertStmt' && onConflict === 'ONCONFLICT_UPDATE' && !isMade)
      return `ON CONFLICT DO UPDATE ${inBatches}`
    if (name === 'InsertStmt' && readsUse({ SelectStmt: node['selectStmt'] }, here)) {
      if (!isMade) return `INSERT of a table’s rows into one in use ${inBatches}`
      if (here.referring.has(fullName(node['relation'])))
        return 'each row locks the one that its foreign key refers to until the file ends: add the key NOT VALID afterwards, and validate it in a file of its own'
    }
    if (name === 'SelectStmt' && node['lockingClause'] !== undefined && readsUse({ SelectStmt: node }, here))
      return `FOR UPDATE and its kin hold every row until the file ends: leave it out`
    if (name === 'FuncCall') {
      const first = (node['args'] as { A_Const?: { sval?: { sval?: string } } }[] | undefined)?.[0]?.A_Const?.sval?.sval
      const called = lastOf(node['funcname'])
      if (called === 'set_config' && first === 'lock_timeout') return keepTimeout
      const isOfMade = called === 'create_hypertable' && here.made.has(fullName({ relname: first }))
      if (!isOfMade && /^(create_hypertable|(de)?compress_chunk|drop_chunks)$/.test(called))
        return `${called}() keeps everybody out of a table in use: leave it to a maintenance job, or make the table here`
    }
  }
  return undefined
}

/** ON ONLY a partitioned table makes nothing but a name; of any other table it is the whole index. */
function indexProblem(node: Node, table: string, known: Known): string | undefined {
  const isOnly = (node['relation'] as Node)['inh'] !== true
  if (isOnly && known.partitioned.has(table)) return undefined
  return 'CREATE INDEX keeps writers out while it is made: CREATE INDEX CONCURRENTLY, in a file of its own; of a partitioned table for each partition, then ON ONLY the table'
}

/** The parent's default partition is read, under the lock, for rows of the new one. */
function partitionProblem(parent: string, known: Known, here: Here): string | undefined {
  if (here.made.has(parent) || !known.caught.has(parent)) return undefined
  return `the default partition of ${short(parent)} is read while nobody writes: leave it to upkeep, which makes partitions ahead of their rows`
}

function changeProblems(stmt: Node, known: Known, here: Here): (string | undefined)[] {
  const [name, node] = entry(stmt)
  const table = fullName(node['relation'])
  if (name !== 'AlterTableStmt') return []
  const commands = commandsOf(node)
  const isMixed = commands.length > 1 && commands.some(({ subtype }) => subtype === 'AT_ValidateConstraint')
  // What refers to a table in use keeps that one's writers out for as long as it is checked.
  if (here.made.has(table))
    return here.filled.has(table) ? constraintsOf(node['cmds']).filter(isForeign).map(constraintProblem) : []
  return [
    isMixed ? 'VALIDATE takes the lock of what stands beside it: give it an ALTER TABLE of its own' : undefined,
    ...commands.map((command) => changeProblem(command, node, table, known, here)),
  ]
}

function changeProblem(command: Node, node: Node, table: string, known: Known, here: Here): string | undefined {
  const { subtype, def, name } = command as { subtype: string; def?: Node; name?: string }
  if (subtype === 'AT_AddColumn') return columnProblem(def?.['ColumnDef'] as Node, known)
  if (subtype === 'AT_AddConstraint') return constraintProblem(def?.['Constraint'] as Constraint)
  if (subtype === 'AT_SetNotNull' && !known.proven.has(`${table} ${name ?? ''}`))
    return `SET NOT NULL reads the whole table while nobody else does: ADD CONSTRAINT … CHECK (${name ?? ''} IS NOT NULL) NOT VALID, VALIDATE it in a file of its own, then SET NOT NULL, and drop it`
  if (subtype === 'AT_AttachPartition' && node['objtype'] !== 'OBJECT_INDEX') {
    const part = fullName((def?.['PartitionCmd'] as Node)['name'])
    if (!here.made.has(part) || here.filled.has(part))
      return `ATTACH PARTITION reads ${short(part)} while nobody writes, unless a CHECK, every index and every foreign key of ${short(table)} is there: attach an empty table that the same file makes, and have the service move the rows`
    return partitionProblem(table, known, here)
  }
  return refused[subtype]
}

function columnProblem(column: Node, known: Known): string | undefined {
  const type = lastOf((column['typeName'] as Node)['names'])
  if (/^(small|big)?serial\d?$/.test(type))
    return `${type} rewrites the table, and nobody reads it meanwhile: ${addThenFill}, with a default from a sequence set afterwards`
  if (known.domains.has(type))
    return `a column of domain ${type} may rewrite the table, and nobody reads it meanwhile: take its base type, and a CHECK that is NOT VALID`
  return constraintsOf(column['constraints']).map(ofNewColumn).find(Boolean)
}

function ofNewColumn({ contype, raw_expr }: Constraint): string | undefined {
  switch (contype) {
    case 'CONSTR_NULL':
    case 'CONSTR_NOTNULL':
      return undefined
    case 'CONSTR_DEFAULT':
      return isFixed(raw_expr)
        ? undefined
        : `a default that may be another for each row rewrites the table, and nobody reads it meanwhile: ${addThenFill}, with SET DEFAULT for new rows`
    case 'CONSTR_IDENTITY':
      return `IDENTITY rewrites the table, and nobody reads it meanwhile: ${addThenFill}, then NOT NULL by a validated CHECK, then ADD GENERATED`
    case 'CONSTR_GENERATED':
      return `GENERATED rewrites the table, and nobody reads it meanwhile: ${addThenFill}, with a trigger for new rows`
    case 'CONSTR_CHECK':
    case 'CONSTR_FOREIGN':
      return notValid
    default:
      return byIndex
  }
}

/** Of the same value in every row: PostgreSQL notes it once. Any function may be volatile, but these are known. */
function isFixed(expression: unknown): boolean {
  return nodesOf({ expression }).every(
    ([name, node]) =>
      name !== 'FuncCall' || /^(now|transaction_timestamp|statement_timestamp)$/.test(lastOf(node['funcname'])),
  )
}

function constraintProblem(constraint: Constraint): string | undefined {
  const { contype } = constraint
  if (contype === 'CONSTR_CHECK' || contype === 'CONSTR_FOREIGN')
    return constraint['skip_validation'] === true ? undefined : notValid
  if (contype === 'CONSTR_UNIQUE') return constraint['indexname'] !== undefined ? undefined : byIndex
  if (contype === 'CONSTR_PRIMARY')
    return 'reads the whole table while nobody else does, for NULL: SET NOT NULL by a validated CHECK, then ADD CONSTRAINT … UNIQUE USING INDEX, which says the same'
  return `${contype.replace('CONSTR_', '')} reads the whole table while nobody else does: have a new table with it, and have the service move the rows`
}
