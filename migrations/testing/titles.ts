import { readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import ts from 'typescript'

/** A test of a file, with what it is in: `partitions › go two years after their month, when empty`. */
export interface Title {
  text: string
  /** Where the test is written, which its cases share. */
  at: string
}

/**
 * The titles of a file's tests, read from its text. Cases that are written there as literals have titles of their own; what a title takes
 * from anywhere else is `…`. Tests that a helper in a folder `testing` defines are the file's, too.
 */
export function titlesOf(path: string): Title[] {
  const source = ts.createSourceFile(path, readFileSync(path, 'utf8'), ts.ScriptTarget.Latest)
  const titles: Title[] = []
  const visit = (node: ts.Node, outer: string[]): void => {
    const call = callOf(node)
    if (call === 'idle') return
    if (!call) return ts.forEachChild(node, (child) => visit(child, outer))
    const texts = outer.flatMap((name) => call.titles.map((title) => name + title))
    if (call.kind === 'test') titles.push(...texts.map((text) => ({ text, at: `${path}:${node.pos}` })))
    else {
      const inside = texts.map((text) => `${text} › `)
      for (const argument of call.rest) visit(argument, inside)
    }
  }
  visit(source, [''])
  return [...titles, ...helpersOf(source).flatMap((name) => titlesOf(join(dirname(path), name)))]
}

const helpersOf = (source: ts.SourceFile): string[] => {
  const imported = source.statements
    .filter((statement) => ts.isImportDeclaration(statement))
    .map(({ moduleSpecifier }) => textOf(moduleSpecifier) ?? '')
  return [...new Set(imported)].filter((name) => /^\.{1,2}\/testing\/[\w-]+\.ts$/.test(name))
}

interface Call {
  kind: 'test' | 'describe'
  titles: string[]
  rest: ts.Expression[]
}

/** What proves nothing: it does not run, or is meant to fail. Only that of a condition counts, for somewhere it runs. */
const idle = ['skip', 'todo', 'fails']

/** Of `test('a title', …)`, `describe.each([…])('a title', …)` and their kin; `idle` with all that is in it. */
function callOf(node: ts.Node): Call | 'idle' | undefined {
  if (!ts.isCallExpression(node)) return undefined
  const [first, ...rest] = node.arguments
  const title = first && textOf(first)
  let rows: ts.Expression | undefined
  let callee: ts.Expression = node.expression
  const modifiers: string[] = []
  while (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee)) {
    if (ts.isCallExpression(callee) && isEach(callee.expression)) rows = callee.arguments[0]
    if (ts.isPropertyAccessExpression(callee)) modifiers.push(callee.name.text)
    callee = callee.expression
  }
  if (title === undefined || !ts.isIdentifier(callee)) return undefined
  const kind = (['test', 'describe'] as const).find((name) => name === callee.text)
  if (kind && modifiers.some((name) => idle.includes(name))) return 'idle'
  return kind && { kind, titles: casesOf(rows).map((row) => filled(title, row)), rest }
}

const isEach = (callee: ts.Expression) =>
  ts.isPropertyAccessExpression(callee) && ['each', 'for'].includes(callee.name.text)

/** The text of a literal, of a template with `…` for what is put into it. */
function textOf(node: ts.Expression): string | undefined {
  if (ts.isStringLiteralLike(node) || ts.isNumericLiteral(node)) return node.text
  if (!ts.isTemplateExpression(node)) return undefined
  return [node.head, ...node.templateSpans.map(({ literal }) => literal)].map(({ text }) => text).join('…')
}

/** The rows of `each`, as far as they are written there. */
function casesOf(rows: ts.Expression | undefined): (string | undefined)[][] {
  if (rows && ts.isAsExpression(rows)) return casesOf(rows.expression)
  if (!rows || !ts.isArrayLiteralExpression(rows)) return [[]]
  return rows.elements.map((row) => (ts.isArrayLiteralExpression(row) ? row.elements.map(textOf) : [textOf(row)]))
}

function filled(title: string, row: (string | undefined)[]): string {
  const values = row.values()
  const text = title.replace(/%[sidjo]|\$\w+/g, () => values.next().value ?? '…')
  return text.replace(/\s+/g, ' ').trim()
}

/** Where the tests are that have this title, or end with it; `…` in a name is any text, where no title is the very same. */
export function placesOf(name: string, titles: Title[]): string[] {
  const parts = name.split('…').map((part) => part.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const pattern = new RegExp(`(^| › )${parts.join('.*')}$`)
  const same = titles.filter(({ text }) => ` › ${text}`.endsWith(` › ${name}`))
  const alike = titles.filter(({ text }) => pattern.test(text))
  return [...new Set((same.length > 0 ? same : alike).map(({ at }) => at))]
}
