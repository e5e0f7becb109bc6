/** The value of an environment variable, or of a name set before in the file. */
export class Variable {
  readonly name: string

  constructor(name: string) {
    this.name = name
  }
}

export type Scalar = string | number | boolean
export type Value = Scalar | Variable | readonly Value[] | { readonly [key: string]: Value }

/** A block of nats-server's configuration, each key on a line of its own. Pure. */
export function conf(block: Record<string, Value>): string {
  return lines(block).join('\n') + '\n'
}

const lines = (block: { readonly [key: string]: Value }) =>
  Object.entries(block).flatMap(([key, value]) => entry(/^[a-z_]+$/i.test(key) ? key : quote(key), value))

function entry(key: string, value: Value): string[] {
  if (value instanceof Variable || typeof value !== 'object') return [`${key}: ${scalar(value)}`]
  if (isArray(value)) return [`${key}: [`, ...value.flatMap(item), ']']
  return [`${key} {`, ...lines(value).map(indented), '}']
}

function item(value: Value): string[] {
  if (value instanceof Variable || typeof value !== 'object') return [indented(scalar(value))]
  if (isArray(value)) throw new Error('the configuration of nats-server has no lists of lists')
  return ['{', ...lines(value).map(indented), '}'].map(indented)
}

const isArray = (value: Value): value is readonly Value[] => Array.isArray(value)
const indented = (line: string) => `  ${line}`

function scalar(value: Scalar | Variable): string {
  if (value instanceof Variable) return `$${value.name}`
  return typeof value === 'string' ? quote(value) : String(value)
}

/** In quotes nothing is a variable, a number or a size. */
function quote(text: string): string {
  const escaped = text.replaceAll(/[\\"]/g, '\\$&')
  return `"${escaped.replaceAll(/\p{Cc}/gu, (letter) => `\\x${letter.charCodeAt(0).toString(16).padStart(2, '0')}`)}"`
}
