/** Two schemas, as text for each named thing: what is different in words, in order of names; empty where nothing is. Pure. */
export function schemaDifferences(wanted: Map<string, string>, live: Map<string, string>): string[] {
  const names = [...new Set([...wanted.keys(), ...live.keys()])].sort()
  return names.flatMap((name) => {
    const [should, is] = [wanted.get(name), live.get(name)]
    if (should === is) return []
    if (is === undefined) return [`${name} is missing`]
    if (should === undefined) return [`${name} is not of these files`]
    return [`${name} is ${firstDifference(is, should)}`]
  })
}

const shownBefore = 20
const longest = 100

/** From shortly before the place where they part: a function may be long. */
function firstDifference(is: string, should: string): string {
  let at = 0
  while (is[at] === should[at]) at++
  const from = Math.max(0, at - shownBefore)
  const shown = (text: string) => `"${from > 0 ? '…' : ''}${text.slice(from, from + longest).replace(/\s+/g, ' ')}"`
  return `${shown(is)}, not ${shown(should)}`
}
