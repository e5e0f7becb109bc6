import type pg from 'pg'

/** A node of EXPLAIN (FORMAT JSON). */
interface Node {
  'Node Type': string
  'Relation Name'?: string
  Plans?: Node[]
}

/** A statement that ran, with the plan it ran by. */
export interface Explained {
  query: string
  plan: Node
}

/** More pages than this are not read from one end to the other by a query that somebody waits for. */
const pages = 1_000

/**
 * From now on explains every statement of the connection, those inside functions, triggers, policies and foreign keys too: auto_explain
 * sends the plan as a notice, ahead of the statement's own answer. The connection has to be a superuser's; it may act as others after.
 * @returns takes what ran since the last call
 */
export async function explainAll(client: pg.Client): Promise<() => Explained[]> {
  let explained: Explained[] = []
  client.on('notice', ({ message = '' }) => {
    const [, json] = /^duration: [\d.]+ ms +plan:\n(\{[^]*\})$/.exec(message) ?? []
    if (json === undefined) return
    const { 'Query Text': query, Plan: plan } = JSON.parse(json) as { 'Query Text': string; Plan: Node }
    explained.push({ query, plan })
  })
  await client.query(`
    LOAD 'auto_explain';
    SET auto_explain.log_min_duration = 0;
    SET auto_explain.log_nested_statements = on;
    SET auto_explain.log_level = notice;
    SET auto_explain.log_format = json;
    SET track_functions = 'all';
    SET jit = off`)
  return () => {
    const taken = explained
    explained = []
    return taken
  }
}

/** Tables, partitions and chunks of more than a thousand pages, as the last ANALYZE saw them. */
export async function largeTables(client: pg.Client): Promise<Set<string>> {
  const sql = `SELECT relname::text AS name FROM pg_class WHERE relkind IN ('r', 'm') AND relpages > $1`
  const { rows } = await client.query<{ name: string }>(sql, [pages])
  return new Set(rows.map(({ name }) => name))
}

/** Each large table that a statement reads from one end to the other, with the statement. */
export function scans(explained: Explained[], large: Set<string>): string[] {
  const found = explained.flatMap(({ query, plan }) =>
    nodes(plan)
      .filter((node) => node['Node Type'] === 'Seq Scan' && large.has(node['Relation Name'] ?? ''))
      .map((node) => `${node['Relation Name']}: ${query.replaceAll(/\s+/g, ' ').trim().slice(0, 300)}`),
  )
  return [...new Set(found)]
}

const nodes = (node: Node): Node[] => [node, ...(node.Plans ?? []).flatMap(nodes)]
