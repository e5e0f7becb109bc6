/** Field of the API -> column. The only way a name gets into SQL: from a table in our source, never from a request. */
export type Columns = Record<string, string>

export interface Fragment {
  text: string
  values: unknown[]
}

/** `(a, b) VALUES ($1, $2)` for the fields that are there; the others get the column's default. */
export function insertion(columns: Columns, record: object): Fragment {
  const given = givenFields(columns, record)
  const names = given.map(([column]) => column).join(', ')
  const places = given.map((_, i) => `$${i + 1}`).join(', ')
  return { text: `(${names}) VALUES (${places})`, values: given.map(([, value]) => value) }
}

/** `a = $2, b = $3` for the fields that are there; the first parameter is the caller's. */
export function assignments(columns: Columns, record: object): Fragment {
  const given = givenFields(columns, record)
  const text = given.map(([column], i) => `${column} = $${i + 2}`).join(', ')
  return { text, values: given.map(([, value]) => value) }
}

/** `a AS "field", …` for every column. */
export const selection = (columns: Columns, prefix = '') =>
  Object.entries(columns)
    .map(([field, column]) => `${prefix}${column} AS "${field}"`)
    .join(', ')

function givenFields(columns: Columns, record: object): [column: string, value: unknown][] {
  const given = Object.entries(record).filter(([, value]) => value !== undefined)
  return given.flatMap(([field, value]) => {
    const column = Object.hasOwn(columns, field) ? columns[field] : undefined
    return column === undefined ? [] : [[column, value] satisfies [string, unknown]]
  })
}
