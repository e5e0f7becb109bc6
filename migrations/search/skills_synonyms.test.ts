import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'

const header = `# Synonym rules for analysers of the search store: abbreviations and what they stand for, as labels of one skill in ESCO 1.2.0
# (© European Union), and other names of some techniques. Made and compared by skills_synonyms.test.ts; \`vitest run --project unit skills_synonyms -u\` writes it again.
`

/** Named by the specification. Of one filter with the others: a second one could not read what the first makes of several words. */
const specified = [
  'ai, artificial intelligence',
  'javascript, js, ecmascript',
  'ml, machine learning',
  'python, py',
  'react, reactjs, react.js',
  'vue, vuejs, vue.js',
]

/** They would match words that mean something else. */
const words = new Set(['call', 'it', 'st'])

test('the synonyms are the specified ones and the abbreviations among the labels of ESCO’s skills', async () => {
  const file = join(import.meta.dirname, '../../data/esco/skills.tsv.gz')
  const [, ...rows] = gunzipSync(readFileSync(file)).toString('utf8').trimEnd().split('\n')
  const rules = rows.flatMap((row) => {
    const [, , label = '', aliases = ''] = row.split('\t')
    return rulesAmong([label, ...aliases.split('|')])
  })
  const text =
    header +
    [...new Set([...rules, ...specified])]
      .sort()
      .map((rule) => `${rule}\n`)
      .join('')
  await expect(text).toMatchFileSnapshot('skills_synonyms.txt')
})

function rulesAmong(labels: string[]): string[] {
  const short = labels.filter((label) => /^[A-Z]{2,6}$/.test(label) && !words.has(label.toLowerCase()))
  return short.flatMap((abbreviation) =>
    labels
      .filter((label) => label.includes(' ') && initials(label) === abbreviation)
      .map((label) => `${abbreviation}, ${label}`.toLowerCase()),
  )
}

function initials(label: string): string {
  const without = /^(of|and|the|for|in|to|a)$/i
  const parts = label.split(/[\s/-]+/).filter((word) => !without.test(word))
  return parts.map((word) => word.charAt(0).toUpperCase()).join('')
}
