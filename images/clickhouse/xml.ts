/** One element of a ClickHouse configuration file. Only what such files use: elements, attributes, text, comments. */
export interface Element {
  name: string
  attributes: Record<string, string>
  children: Element[]
  /** Text of an element without children, trimmed. */
  text: string
}

const entities: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }
const decoded = (text: string) => text.replace(/&(\w+);/g, (whole, name: string) => entities[name] ?? whole)
const encoded = (text: string) =>
  text.replace(/[&<>]/g, (letter) => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;' })[letter] ?? '')

/** @throws when the text is not one well-formed element */
export function parseXml(text: string): Element {
  const token = /<\?[^]*?\?>|<!--[^]*?-->|<(\/?)([\w.-]+)((?:\s+[\w.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*)\s*(\/?)>|[^<]+/y
  const top: Element = { name: '', attributes: {}, children: [], text: '' }
  const open = [top]
  while (token.lastIndex < text.length) {
    const at = token.lastIndex
    const [whole = '', closing, name, attributes = '', selfClosing] = token.exec(text) ?? []
    if (whole === '') throw new Error(`not XML at character ${at}: ${text.slice(at, at + 40)}`)
    const current = open.at(-1) ?? top
    if (name === undefined) {
      if (!whole.startsWith('<')) current.text += decoded(whole)
    } else if (closing === '/') {
      if (current.name !== name) throw new Error(`</${name}> closes <${current.name}>`)
      current.text = current.children.length > 0 ? '' : current.text.trim()
      open.pop()
    } else {
      const element = { name, attributes: attributesOf(attributes), children: [], text: '' }
      current.children.push(element)
      if (selfClosing !== '/') open.push(element)
    }
  }
  const [root, ...others] = top.children
  if (!root || others.length > 0 || open.length > 1) throw new Error('not one whole XML element')
  return root
}

function attributesOf(text: string): Record<string, string> {
  const found = [...text.matchAll(/([\w.-]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/g)]
  return Object.fromEntries(found.map(([, name = '', one, other]) => [name, decoded(one ?? other ?? '')]))
}

/** Attributes are not written: they tell ClickHouse how to read a file, and this is what was read. */
export function writeXml({ name, children, text }: Element): string {
  return `<${name}>${children.length > 0 ? children.map(writeXml).join('') : encoded(text)}</${name}>`
}

/** An element as the server would see it: text, or elements. */
export const element = (name: string, content: string | Element[]): Element =>
  typeof content === 'string'
    ? { name, attributes: {}, children: [], text: content }
    : { name, attributes: {}, children: content, text: '' }

export const child = (parent: Element | undefined, name: string) => parent?.children.find((one) => one.name === name)

/** What `over` says in place of, or besides, what `under` says. Elements of the same name within one file stay apart. Pure. */
export function merge(under: Element, over: Element): Element {
  if (under.children.length === 0 || over.children.length === 0) return over
  const names = new Set(over.children.map(({ name }) => name))
  const kept = under.children.filter(({ name }) => !names.has(name))
  const merged = over.children.map((one) => {
    const [same, ...more] = under.children.filter(({ name }) => name === one.name)
    const alone = over.children.filter(({ name }) => name === one.name).length === 1
    return same && more.length === 0 && alone ? merge(same, one) : one
  })
  return { ...over, children: [...kept, ...merged] }
}
