import type { DataStore } from '../../../crds/schema/data-store.ts'
import { closest } from '../../closest.ts'
import { quantity } from '../../quantity.ts'
import { newNames, refused, settings, type Setting } from './settings.ts'
import { parse } from './values.ts'

/** One sentence per problem of `spec.parameters`, naming the key and what to do; empty when all can be applied. Pure. */
export function validateParameters(store: DataStore): string[] {
  const problems = Object.entries(store.spec.parameters).flatMap(([key, value]) => problemOf(key, value) ?? [])
  return problems.length > 0 ? problems : contradictions(store)
}

const pathOf = (key: string) => `spec.parameters.${key}`

/** Redis does not tell cases apart; one spelling keeps a setting from being given twice. */
function problemOf(key: string, value: string): string | undefined {
  const why = whyRefused(key)
  if (why) return `${pathOf(key)} cannot be set: ${why}; remove it`
  const newName = newNames[key]
  if (newName) return `${pathOf(key)} is an old name of ${newName}: use that`
  const setting = settings.get(key)
  if (!setting) return unknown(key)
  const parsed = parse(setting, value)
  return 'problem' in parsed ? `${pathOf(key)}: "${value}" ${parsed.problem}` : undefined
}

export function whyRefused(name: string): string | undefined {
  return refused.find(([pattern]) => pattern.test(name))?.[1]
}

function unknown(key: string): string {
  const close = closest(key.toLowerCase(), [...settings.keys()])
  const fix = close ? `did you mean ${close}?` : 'see docs/reference/redis-parameters.md'
  return `${pathOf(key)}: Redis 8 has no such setting, or it is not one to set here; ${fix}`
}

/** What each value allows and several together do not. */
function contradictions(store: DataStore): string[] {
  const { resources, storage } = store.spec
  const problems: string[] = []
  const [limit = 0, size = 0] = [quantity(resources.memoryLimit), quantity(storage.size)]
  const data = maxMemory(store)
  if (data > limit * 0.75) {
    problems.push(
      `spec.parameters.maxmemory: "${store.spec.parameters['maxmemory']}" is more than three quarters of spec.resources.memoryLimit (${resources.memoryLimit}): the kernel would end the pod when Redis writes its data to disk; lower it or raise the limit`,
    )
  } else if (data === 0) {
    problems.push(
      'spec.parameters.maxmemory: "0" means without limit, until the kernel ends the pod; leave it out, or give a size',
    )
  } else if (size < 3 * data) {
    problems.push(
      `spec.storage.size: ${storage.size} is less than three times maxmemory (${Math.ceil(data / mebibyte)}Mi): the append-only file grows to twice the data and is written anew beside itself; ask for at least ${Math.ceil((3 * data) / mebibyte)}Mi, or lower spec.resources.memoryLimit`,
    )
  }
  return problems
}

const mebibyte = 2 ** 20

/** Bytes of data in one pod: what is left of its memory is for buffers, and for pages that change while a child writes the data to disk. */
export function maxMemory(store: DataStore): number {
  const given = valueOf(store, 'maxmemory')
  if (given !== undefined) return Number(given)
  return Math.floor((quantity(store.spec.resources.memoryLimit) ?? 0) * 0.6)
}

/** What the spec says, as Redis would print it; undefined when it says nothing, or nothing that is of use. */
function valueOf({ spec }: DataStore, name: string): string | undefined {
  const setting = settings.get(name)
  const given = spec.parameters[name]
  const parsed = setting && given !== undefined ? parse(setting, given) : undefined
  return parsed && 'value' in parsed ? parsed.value : undefined
}

/** What shall be in force of all that may change at run time, as `CONFIG GET` prints it. */
export function runtimeSettings(store: DataStore): Record<string, string> {
  const names = [...settings].filter(([, { change }]) => change === 'reload')
  return Object.fromEntries(names.map(([name, setting]) => [name, valueOf(store, name) ?? printed(setting)]))
}

/** What only a new process takes over. */
export function startSettings(store: DataStore): Record<string, string> {
  const names = [...settings].filter(([name, { change }]) => change === 'restart' && name !== 'maxmemory')
  const values = names.map(([name, setting]) => [name, valueOf(store, name) ?? printed(setting)])
  return { ...(Object.fromEntries(values) as Record<string, string>), maxmemory: String(maxMemory(store)) }
}

/** Of the spec's parameters those. */
export function startParameters({ spec }: DataStore): Record<string, string> {
  return Object.fromEntries(
    Object.entries(spec.parameters).filter(([name]) => settings.get(name)?.change === 'restart'),
  )
}

function printed(setting: Setting): string {
  const parsed = parse(setting, setting.byDefault)
  if ('problem' in parsed) throw new Error(`the default "${setting.byDefault}" ${parsed.problem}`)
  return parsed.value
}

/** docs/reference/redis-parameters.md. */
export function reference(): string {
  const rows = [...settings].map(([name, setting]) => {
    const byDefault = name === 'maxmemory' ? '60 % of `spec.resources.memoryLimit`' : `\`${setting.byDefault || '""'}\``
    return `| \`${name}\` | ${setting.what} | ${byDefault} | ${setting.change} |`
  })
  const kept = refused.map(([pattern, why]) => `| ${names(pattern)} | ${why} |`)
  const parts = [
    '<!-- Generated by `make generate`. Do not edit. -->',
    '# Redis parameters',
    'What `spec.parameters` of a DataStore with engine `redis` accepts, all values as strings. Sizes are bytes, or have a unit: `k`, `m`, `g` for powers of 1000 and `kb`, `mb`, `gb` for powers of 1024. ' +
      'Redis’ own page says more about each: <https://redis.io/docs/latest/operate/oss_and_stack/management/config/>. The default is in force wherever the spec says nothing, whatever the image’s own is.',
    'An unknown name or a bad value is refused before anything changes: condition `SpecValid` names the key. ' +
      '`reload`: in force on every pod within seconds. `restart`: pods are replaced one by one; a master hands its shard to a copy before, where there is one.',
    ['| setting | value | default | change |', '| --- | --- | --- | --- |', ...rows].join('\n'),
    '## Not settable',
    ['| setting | why |', '| --- | --- |', ...kept].join('\n'),
  ]
  return `${parts.join('\n\n')}\n`
}

/** `^(a|b-.*)$` as a reader wants it: `a`, `b-*`. */
function names(pattern: RegExp): string {
  const inside = pattern.source.slice(2, -2)
  return inside
    .split('|')
    .map((name) => `\`${name.replace('.*', '*')}\``)
    .join(', ')
}
