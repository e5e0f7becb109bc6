import type { Client } from 'pg'

/*
 * A database's schema as lines, one for each object and what PostgreSQL itself says of it: two databases with the same lines have the same
 * schema. Left out: what extensions own, the ledger, partitions of a date (there are other ones tomorrow), the order of columns, and
 * comments.
 */

/** An object of ours: in a schema of ours, and of no extension. */
const ours = (catalogue: string, oid: string, namespace: string) => `
  ${namespace} IN (SELECT oid FROM pg_namespace WHERE nspname !~ '^(pg_|_?timescaledb)' AND nspname NOT IN ('information_schema', 'migrations', 'cron'))
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = '${catalogue}'::regclass AND d.objid = ${oid} AND d.deptype = 'e')`

const relation = `${ours('pg_class', 'c.oid', 'c.relnamespace')}
  AND NOT (c.relispartition AND c.relkind = 'r' AND pg_get_expr(c.relpartbound, c.oid) <> 'DEFAULT')`

/** Grants in one order; where there are none of its own, those that every object begins with. */
const grants = (acl: string, kind: string, owner: string) =>
  `(SELECT string_agg(item::text, ' ' ORDER BY item::text) FROM unnest(coalesce(${acl}, acldefault('${kind}', ${owner}))) item)`

/** @param condition  those of columns hold a number of the server's own, beside what somebody set */
const options = (list: string, condition = 'true') =>
  `(SELECT string_agg(item, ' ' ORDER BY item) FROM unnest(${list}) item WHERE ${condition})`

/** Each gives (kind, name, detail). */
const queries = [
  `SELECT 'extension', extname, '' FROM pg_extension WHERE extname <> 'plpgsql'`,
  `SELECT 'schema', n.nspname, concat_ws(', ', pg_get_userbyid(n.nspowner), ${grants('n.nspacl', 'n', 'n.nspowner')})
     FROM pg_namespace n WHERE ${ours('pg_namespace', 'n.oid', 'n.oid')}`,
  `SELECT CASE c.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'table' WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view'
               WHEN 'S' THEN 'sequence' ELSE 'relation ' || c.relkind::text END, c.oid::regclass::text,
          concat_ws(', ', pg_get_userbyid(c.relowner), ${grants('c.relacl', `r`, 'c.relowner')}, ${options('c.reloptions')},
            CASE WHEN c.relpersistence <> 'p' THEN 'persistence ' || c.relpersistence::text END,
            CASE WHEN c.relrowsecurity THEN 'row security' END, CASE WHEN c.relforcerowsecurity THEN 'forced' END,
            CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END, pg_get_expr(c.relpartbound, c.oid),
            CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END)
     FROM pg_class c WHERE ${relation} AND c.relkind IN ('r', 'p', 'v', 'm', 'f')`,
  `SELECT 'sequence', c.oid::regclass::text, concat_ws(', ', pg_get_userbyid(c.relowner), ${grants('c.relacl', 's', 'c.relowner')},
          format_type(s.seqtypid, NULL), s.seqstart, s.seqincrement, s.seqmin, s.seqmax, s.seqcache, s.seqcycle)
     FROM pg_class c JOIN pg_sequence s ON s.seqrelid = c.oid WHERE ${relation}`,
  `SELECT 'column', c.oid::regclass::text || '.' || a.attname,
          concat_ws(', ', format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END,
            pg_get_expr(d.adbin, d.adrelid), nullif(a.attidentity, ''), nullif(a.attgenerated, ''), ${options('a.attoptions', "item LIKE 'n_distinct%'")},
            (SELECT 'collation ' || collname::text FROM pg_collation l WHERE l.oid = a.attcollation AND l.collname <> 'default'),
            (SELECT string_agg(item::text, ' ' ORDER BY item::text) FROM unnest(a.attacl) item))
     FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
    WHERE ${relation} AND c.relkind IN ('r', 'p', 'v', 'm', 'f') AND a.attnum > 0 AND NOT a.attisdropped`,
  `SELECT 'constraint', coalesce(n.conrelid::regclass::text, n.contypid::regtype::text) || '.' || n.conname::text,
          concat_ws(', ', pg_get_constraintdef(n.oid))
     FROM pg_constraint n LEFT JOIN pg_class c ON c.oid = n.conrelid
    WHERE n.contype <> 'n' AND CASE WHEN c.oid IS NULL THEN ${ours('pg_constraint', 'n.oid', 'n.connamespace')} ELSE ${relation} END`,
  `SELECT 'index', i.indexrelid::regclass::text, concat_ws(', ', pg_get_indexdef(i.indexrelid), CASE WHEN NOT i.indisvalid THEN 'not valid' END)
     FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE ${relation}`,
  `SELECT 'trigger', c.oid::regclass::text || '.' || t.tgname, concat_ws(', ', pg_get_triggerdef(t.oid), 'enabled ' || t.tgenabled::text)
     FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid WHERE ${relation} AND NOT t.tgisinternal AND t.tgparentid = 0`,
  `SELECT 'policy', c.oid::regclass::text || '.' || p.polname,
          concat_ws(', ', p.polcmd, CASE WHEN p.polpermissive THEN 'permissive' ELSE 'restrictive' END,
            (SELECT string_agg(CASE role WHEN 0 THEN 'public' ELSE pg_get_userbyid(role) END, ' ' ORDER BY pg_get_userbyid(role)) FROM unnest(p.polroles) role),
            pg_get_expr(p.polqual, p.polrelid), pg_get_expr(p.polwithcheck, p.polrelid))
     FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid WHERE ${relation}`,
  `SELECT 'function', p.oid::regprocedure::text, concat_ws(', ', pg_get_userbyid(p.proowner), ${grants('p.proacl', 'f', 'p.proowner')},
          CASE WHEN p.prokind <> 'a' THEN pg_get_functiondef(p.oid) ELSE 'aggregate' END)
     FROM pg_proc p WHERE ${ours('pg_proc', 'p.oid', 'p.pronamespace')}`,
  `SELECT 'type', t.oid::regtype::text, concat_ws(', ', pg_get_userbyid(t.typowner), ${grants('t.typacl', 'T', 't.typowner')}, t.typtype,
          CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, t.typtypmod) END, t.typdefault, CASE WHEN t.typnotnull THEN 'not null' END,
          (SELECT string_agg(e.enumlabel, ' ' ORDER BY e.enumsortorder) FROM pg_enum e WHERE e.enumtypid = t.oid))
     FROM pg_type t WHERE ${ours('pg_type', 't.oid', 't.typnamespace')} AND t.typtype IN ('d', 'e', 'r')`,
  `SELECT 'default grants', pg_get_userbyid(d.defaclrole)::text || ' ' || d.defaclobjtype::text || ' ' || coalesce(n.nspname::text, ''),
          (SELECT string_agg(item::text, ' ' ORDER BY item::text) FROM unnest(d.defaclacl) item)
     FROM pg_default_acl d LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace`,
  `SELECT 'event trigger', e.evtname, concat_ws(', ', e.evtevent, e.evtfoid::regprocedure, e.evtenabled)
     FROM pg_event_trigger e WHERE NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e')`,
]

/** `kind name` → all that PostgreSQL says of it. */
export async function readCatalogue(client: Pick<Client, 'query'>): Promise<Map<string, string>> {
  // Names are written in full only where the search path does not lead to them.
  await client.query('SET search_path = pg_catalog')
  const found = new Map<string, string>()
  for (const query of queries) {
    const { rows } = await client.query<{ kind: string; name: string; detail: string | null }>(
      `SELECT kind, name, detail FROM (${query}) AS of (kind, name, detail) ORDER BY 1, 2`,
    )
    for (const { kind, name, detail } of rows) found.set(`${kind} ${name}`, normal(detail ?? ''))
  }
  return found
}

const quoted = `'(?:[^']|'')*'::character varying`
const listAsOne = new RegExp(String.raw`\(ARRAY\[(${quoted}(?:, ${quoted})*)\]\)::text\[\]`, 'g')

/**
 * What is the same and written differently: materialized hypertables of TimescaleDB are numbered in the order in which they were made on this
 * server; and of an expression that was dumped and restored, `varchar IN (…)` is cast item by item, `(a OR b) OR c` is `a OR b OR c`.
 */
const normal = (detail: string) =>
  flat(
    detail
      .replace(/_materialized_hypertable_\d+/g, '_materialized_hypertable')
      .replace(listAsOne, (_, items: string) => `ARRAY[${items.replace(new RegExp(quoted, 'g'), '($&)::text')}]`),
  )

/** Takes the parentheses away around the first operand of a chain of the same operator. */
function flat(text: string): string {
  let from = 0
  for (;;) {
    const open = text.indexOf('((', from) + 1
    if (open === 0) return text
    const close = closing(text, open)
    const operator = /^ (AND|OR) /.exec(text.slice(close + 1, close + 6))?.[1]
    const inside = text.slice(open + 1, close)
    if (operator !== undefined && operatorsOf(inside) === operator) {
      text = `${text.slice(0, open)}${inside}${text.slice(close + 1)}`
      from = open - 1
    } else from = open
  }
}

/** @returns the place of the parenthesis that closes the one at `open`; the end of the text where none does */
function closing(text: string, open: number): number {
  let depth = 0
  for (let at = open; at < text.length; at++) {
    if (text[at] === '(') depth++
    if (text[at] === ')' && --depth === 0) return at
  }
  return text.length
}

/** AND, OR, or both as `AND OR`: those that stand outside of all parentheses. */
function operatorsOf(text: string): string {
  let outside = text
  for (let before = ''; before !== outside;) [before, outside] = [outside, outside.replace(/\([^()]*\)/g, '')]
  return [...new Set(outside.match(/\b(?:AND|OR)\b/g))].sort().join(' ')
}
