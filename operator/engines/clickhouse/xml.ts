/** Content of one element: text, elements by name, several of one name as a list, or the name of an environment variable. */
export type Content = string | number | boolean | Elements | { fromEnvironment: string }
export interface Elements {
  [name: string]: Content | Content[] | undefined
}

const escaped = (text: string) => text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;')

/** A configuration file of ClickHouse. Pure. */
export const clickhouseFile = (elements: Elements) => `${written('clickhouse', elements, '')}\n`

function written(name: string, content: Content, indent: string): string {
  if (typeof content !== 'object') return `${indent}<${name}>${escaped(String(content))}</${name}>`
  if (isVariable(content)) return `${indent}<${name} from_env="${content.fromEnvironment}"/>`
  const inner = Object.entries(content).flatMap(([child, value]) => {
    const all = value === undefined ? [] : Array.isArray(value) ? value : [value]
    return all.map((one) => written(child, one, `${indent}  `))
  })
  return inner.length > 0 ? `${indent}<${name}>\n${inner.join('\n')}\n${indent}</${name}>` : `${indent}<${name}/>`
}

const isVariable = (content: object): content is { fromEnvironment: string } => 'fromEnvironment' in content
