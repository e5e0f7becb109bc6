import { quantity } from '../quantity.ts'

/*
 * Does a live object already hold everything we would send? Deep subset: what the server added or defaulted is ignored,
 * in lists too; what we set must be there. Where the API server stores a value in another form than it was sent, both forms are equal.
 */

type Fields = Record<string, unknown>

/** Lists that server-side apply merges by key: list name -> the fields that identify an item. Every other list is one value. */
const mergeKeys: Record<string, string[][]> = {
  containers: [['name']],
  initContainers: [['name']],
  volumes: [['name']],
  env: [['name']],
  imagePullSecrets: [['name']],
  secrets: [['name']],
  volumeMounts: [['mountPath']],
  volumeDevices: [['devicePath']],
  hostAliases: [['ip']],
  topologySpreadConstraints: [['topologyKey', 'whenUnsatisfiable']],
  ownerReferences: [['uid']],
  conditions: [['type']],
  // Of containers, of Services.
  ports: [
    ['containerPort', 'protocol'],
    ['port', 'protocol'],
  ],
}

/** Lists that hold a set: others may add to them. */
const sets = ['finalizers']

/** What an absent key field of a list item means. */
const keyDefaults: Fields = { protocol: 'TCP' }

/** Maps whose values are quantities: `1000m` is stored as `1`. */
const quantityMaps = ['requests', 'limits', 'hard', 'capacity']
const quantityFields = ['sizeLimit']

/** Fields the API server leaves out when they are false or 0, where the two mean the same. */
const omittedWhenZero = [
  'hostIPC',
  'hostNetwork',
  'hostPID',
  'initialDelaySeconds',
  'minReadySeconds',
  'paused',
  'publishNotReadyAddresses',
  'readOnly',
  'stdin',
  'stdinOnce',
  'tty',
]

/**
 * Path of the first field of `desired` that `live` lacks or holds otherwise; undefined when it holds all of them.
 * Both are JSON values: no undefined, dates or class instances.
 */
export function firstDifference(desired: unknown, live: unknown): string | undefined {
  return compare(desired, live, [])
}

function compare(desired: unknown, live: unknown, path: string[]): string | undefined {
  if (Array.isArray(desired)) return compareLists(desired as unknown[], live, path)
  if (isFields(desired)) return compareFields(desired, live, path)
  return desired === live || sameScalar(desired, live, path) ? undefined : path.join('.')
}

function compareFields(desired: Fields, live: unknown, path: string[]): string | undefined {
  if (live === undefined && Object.keys(desired).length === 0) return undefined
  if (!isFields(live)) return path.join('.')
  for (const [key, value] of Object.entries(desired)) {
    const difference = compare(value, live[key], [...path, key])
    if (difference !== undefined) return difference
  }
  return undefined
}

function compareLists(desired: unknown[], live: unknown, path: string[]): string | undefined {
  if (live === undefined && desired.length === 0) return undefined
  if (!Array.isArray(live)) return path.join('.')
  const name = path.at(-1) ?? ''
  if (sets.includes(name)) return desired.every((item) => live.includes(item)) ? undefined : path.join('.')
  const keys = mergeKeysOf(path)?.find(([first = '']) => desired.every((item) => isFields(item) && first in item))
  if (!keys && desired.length !== live.length) return path.join('.')
  for (const [index, item] of desired.entries()) {
    const other: unknown = keys ? live.find((candidate) => sameItem(item, candidate, keys)) : live[index]
    const difference = compare(item, other, [...path, String(index)])
    if (difference !== undefined) return difference
  }
  return undefined
}

/** The ports of a NetworkPolicy rule are one value: a port that somebody added must not stay. */
function mergeKeysOf(path: string[]): string[][] | undefined {
  const isRule = path.includes('ingress') || path.includes('egress')
  return isRule ? undefined : mergeKeys[path.at(-1) ?? '']
}

function sameItem(desired: unknown, live: unknown, keys: string[]): boolean {
  if (!isFields(desired) || !isFields(live)) return false
  return keys.every((key) => (desired[key] ?? keyDefaults[key]) === (live[key] ?? keyDefaults[key]))
}

function sameScalar(desired: unknown, live: unknown, path: string[]): boolean {
  const name = path.at(-1) ?? ''
  if (live === undefined) {
    const zero = desired === false || desired === 0
    return desired === null || desired === '' || (zero && omittedWhenZero.includes(name))
  }
  const isQuantity = quantityMaps.includes(path.at(-2) ?? '') || quantityFields.includes(name)
  if (!isQuantity) return false
  const amount = quantity(desired)
  return amount !== undefined && amount === quantity(live)
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
