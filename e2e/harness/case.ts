import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { parseAllDocuments } from 'yaml'
import { get, kubectl, KubectlError, type LiveObject } from './kubectl.ts'
import { firstMismatch } from './match.ts'

/** How long an expectation may take to come true. */
const timeoutMs = 9 * 60_000
const pollMs = 1_000

/**
 * One numbered step of a case: its YAML is applied, then either refused with every line of `NN-refused.txt`,
 * or the objects of `NN-expect.yaml` become as they say.
 */
export interface CaseStep {
  /** `00`, and the comment in the first line of the applied file. */
  title: string
  apply: string
  refused: string[] | undefined
  expect: LiveObject[]
}

/** Reads the steps of a case folder: `NN-apply.yaml` or `NN-change.yaml`, with `NN-expect.yaml` or `NN-refused.txt`. */
export function readCase(folder: string): CaseStep[] {
  const applied = readdirSync(folder).filter((name) => /^\d\d-(apply|change)\.yaml$/.test(name))
  return applied.sort().map((name) => {
    const number = name.slice(0, 2)
    const apply = readFileSync(join(folder, name), 'utf8')
    const refused = readIfThere(join(folder, `${number}-refused.txt`))
      ?.split('\n')
      .filter(Boolean)
    const expected = readIfThere(join(folder, `${number}-expect.yaml`))
    if (!refused === !expected)
      throw new Error(`${folder}/${name} needs ${number}-expect.yaml or ${number}-refused.txt`)
    const comment = /^# (.*)/.exec(apply)?.[1] ?? ''
    return { title: `${number} ${comment}`.trim(), apply, refused, expect: objectsIn(expected ?? '') }
  })
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}

function objectsIn(yaml: string): LiveObject[] {
  return parseAllDocuments(yaml).map((document) => document.toJS() as LiveObject)
}

/** Runs one step. @throws naming the first field that is not as expected, or what was accepted against expectation */
export async function runStep(step: CaseStep): Promise<void> {
  if (step.refused) return expectRefusal(step.apply, step.refused)
  await kubectl(['apply', '--filename=-'], step.apply)
  for (const expected of step.expect) await waitUntil(expected)
}

async function expectRefusal(yaml: string, lines: string[]): Promise<void> {
  const message = await kubectl(['apply', '--filename=-'], yaml).then(
    (said) => `nothing: ${said.trim()}`,
    (error: unknown) => {
      if (error instanceof KubectlError) return error.message
      throw error
    },
  )
  const missing = lines.filter((line) => !message.includes(line))
  if (missing.length > 0) throw new Error(`expected a refusal with\n  ${missing.join('\n  ')}\ngot ${message}`)
}

async function waitUntil(expected: LiveObject): Promise<void> {
  const endMs = performance.now() + timeoutMs
  for (;;) {
    const mismatch = await mismatchOf(expected)
    if (!mismatch) return
    if (performance.now() > endMs) throw new Error(`after ${timeoutMs / 60_000} minutes ${mismatch}`)
    await sleep(pollMs)
  }
}

async function mismatchOf(expected: LiveObject): Promise<string | undefined> {
  const name = `${expected.kind} ${expected.metadata.name}`
  const live = await get(kindOf(expected), expected.metadata.name)
  if (!live) return `${name} does not exist`
  const mismatch = firstMismatch(expected, live)
  return mismatch && `${name}: ${mismatch}`
}

/** `Kind.version.group`, which kubectl takes for any object; `Kind` in the core group. */
function kindOf({ apiVersion, kind }: LiveObject): string {
  const [group, version] = apiVersion.split('/')
  return version ? `${kind}.${version}.${group}` : kind
}

/** Which of the objects that the steps apply are not there yet: the ones to remove afterwards. */
export async function newObjects(steps: CaseStep[]): Promise<LiveObject[]> {
  const objects = new Map<string, LiveObject>()
  for (const object of steps.flatMap(({ apply }) => objectsIn(apply))) {
    const live = await get(kindOf(object), object.metadata.name)
    if (!live) objects.set(`${object.kind}/${object.metadata.name}`, object)
  }
  return [...objects.values()]
}

/** Removes an object, and what a MatchingCluster or DataStore leaves behind on purpose: volumes and Secrets. */
export async function remove(object: LiveObject): Promise<void> {
  const { name } = object.metadata
  await kubectl(['delete', kindOf(object), name, '--ignore-not-found', '--cascade=foreground', '--timeout=120s'])
  const label = object.kind === 'MatchingCluster' ? 'supersmartmatch.io/cluster' : 'app.kubernetes.io/instance'
  if (!['MatchingCluster', 'DataStore'].includes(object.kind)) return
  await kubectl(['delete', 'secret,service,persistentvolumeclaim', `--selector=${label}=${name}`, '--timeout=120s'])
}
