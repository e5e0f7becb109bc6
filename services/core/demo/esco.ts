import { readFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { gunzip } from 'node:zlib'
import { stableUuid } from './random.ts'

export type Category = 'technical' | 'soft' | 'language' | 'tool' | 'framework'

export interface Skill {
  id: string
  uri: string
  name: string
  category: Category
  parentId: string | null
  aliases: string[]
}

export interface Occupation {
  id: string
  uri: string
  label: string
  isco08: string
  aliases: string[]
  essential: string[]
  optional: string[]
}

export interface SkillRelation {
  skillId: string
  relatedId: string
  relation: 'broader' | 'essential' | 'optional'
}

export interface Esco {
  skills: Skill[]
  relations: SkillRelation[]
  occupations: Occupation[]
}

const base = 'http://data.europa.eu/esco/'

/** A skill or a group of skills before its place in the tree is known. */
interface Node {
  uri: string
  label: string
  code: string
  aliases: string[]
  broader: string[]
}

/** Reads ESCO as data/esco holds it (see the README there). Groups are skills too: they are what skills are broader to. */
export async function readEsco(folder: URL): Promise<Esco> {
  const [skillRows, groupRows, occupationRows, pairRows] = await Promise.all(
    ['skills', 'skill_groups', 'occupations', 'skill_skills'].map((name) =>
      readTable(new URL(`${name}.tsv.gz`, folder)),
    ),
  )
  const groups = (groupRows ?? []).map(([uri = '', label = '', code = '', broader = '']) => {
    return { uri, label, code, aliases: [], broader: list(broader) }
  })
  const byNumber = new Map<string, string>()
  const leaves = (skillRows ?? []).map(([n = '', uri = '', label = '', aliases = '', broader = '']) => {
    byNumber.set(n, idOf(uri))
    return { uri, label, code: '', aliases: list(aliases), broader: list(broader) }
  })
  const nodes = [...groups, ...leaves]
  const pairs = (pairRows ?? []).map(([from = '', to = '', relation = '']): SkillRelation => {
    const [skillId, relatedId] = [byNumber.get(from), byNumber.get(to)]
    if (!skillId || !relatedId) throw new Error(`skill_skills names skill ${from} or ${to}, which skills does not have`)
    return { skillId, relatedId, relation: relation === 'essential' ? 'essential' : 'optional' }
  })
  return {
    skills: toSkills(nodes),
    relations: [...broaderLinks(nodes), ...pairs.filter((pair) => pair.skillId !== pair.relatedId)],
    occupations: (occupationRows ?? []).map((row) => toOccupation(row, byNumber)),
  }
}

const idOf = (uri: string) => stableUuid('esco', base + uri)
const list = (field: string) => (field ? field.split('|') : [])

async function readTable(file: URL): Promise<string[][]> {
  const text = (await promisify(gunzip)(await readFile(file))).toString('utf8')
  const [, ...rows] = text.trimEnd().split('\n')
  return rows.map((row) => row.split('\t'))
}

function toSkills(nodes: Node[]): Skill[] {
  const tree = new Map(nodes.map((node) => [node.uri, node]))
  const labelCount = new Map<string, number>()
  for (const { label } of nodes) labelCount.set(label.toLowerCase(), (labelCount.get(label.toLowerCase()) ?? 0) + 1)
  return nodes.map((node) => {
    // skill_name is unique whatever its case: a group whose label another row also has carries its code.
    const ambiguous = node.code !== '' && (labelCount.get(node.label.toLowerCase()) ?? 0) > 1
    const parent = node.broader.find((uri) => tree.has(uri))
    return {
      id: idOf(node.uri),
      uri: base + node.uri,
      name: (ambiguous ? `${node.label} (${node.code})` : node.label).slice(0, 200),
      category: categoryOf(node, tree),
      parentId: parent ? idOf(parent) : null,
      aliases: node.aliases,
    }
  })
}

function broaderLinks(nodes: Node[]): SkillRelation[] {
  const known = new Set(nodes.map((node) => node.uri))
  return nodes.flatMap((node) =>
    [...new Set(node.broader)]
      .filter((uri) => known.has(uri) && uri !== node.uri)
      .map((uri) => ({ skillId: idOf(node.uri), relatedId: idOf(uri), relation: 'broader' as const })),
  )
}

/**
 * The platform's five categories out of ESCO's pillars; the first rule that holds decides:
 * 1. language: below L (language skills and knowledge)
 * 2. soft: below T (transversal), S1 (communication, collaboration and creativity) or S4 (management)
 * 3. framework: below ISCED-F 061 (information and communication technologies), label ends in "framework(s)"
 * 4. tool: below ISCED-F 061 and a proper name, which ESCO writes with a capital letter (JavaScript, Apache Maven)
 * 5. technical: everything else
 */
function categoryOf(node: Node, tree: Map<string, Node>): Category {
  const codes = codesAbove(node, tree)
  const below = (...prefixes: string[]) => codes.some((code) => prefixes.includes(code))
  if (below('L')) return 'language'
  if (below('T', 'S1', 'S4')) return 'soft'
  if (!below('061') || node.code) return 'technical'
  if (/\bframeworks?$/i.test(node.label)) return 'framework'
  return /^\p{Lu}/u.test(node.label) ? 'tool' : 'technical'
}

/** Codes of a node and of everything above it, over all broader links. */
function codesAbove(node: Node, tree: Map<string, Node>): string[] {
  const seen = new Set<Node>()
  const waiting = [node]
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    if (seen.has(next)) continue
    seen.add(next)
    waiting.push(...next.broader.map((uri) => tree.get(uri)).filter((found) => found !== undefined))
  }
  return [...seen].map((found) => found.code)
}

function toOccupation(row: string[], byNumber: Map<string, string>): Occupation {
  const [, uri = '', label = '', aliases = '', isco08 = '', essential = '', optional = ''] = row
  const skills = (numbers: string) => {
    const known = numbers
      .split(' ')
      .map((n) => byNumber.get(n))
      .filter((id) => id !== undefined)
    return [...new Set(known)]
  }
  const essentialSkills = skills(essential)
  const required = new Set(essentialSkills)
  return {
    id: stableUuid('esco', base + uri),
    uri: base + uri,
    label,
    isco08,
    aliases: list(aliases),
    essential: essentialSkills,
    optional: skills(optional).filter((id) => !required.has(id)),
  }
}
