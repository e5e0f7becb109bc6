import { describe, expect, test } from 'vitest'
import type { UpdatePolicy } from '../../crds/schema/common.ts'
import {
  causeOfRestart,
  differences,
  isApproved,
  isOpen,
  mayRestart,
  nextOpening,
  planHash,
  settingsOf,
  windowProblems,
} from './updates.ts'

type Window = UpdatePolicy['windows'][number]

/** Saturdays at two in Paris, for two hours. */
const saturday: Window = { cron: '0 2 * * 6', duration: '2h', timeZone: 'Europe/Paris' }
const at = (time: string) => new Date(time)
// 2026-07-04 is a Saturday; Paris is two hours ahead then.
const inside = at('2026-07-04T00:30:00Z')
const outside = at('2026-07-01T12:00:00Z')

describe('a window', () => {
  // prettier-ignore
  test.each([
    ['a moment before',                  '2026-07-03T23:59:59Z', false],
    ['as it opens',                      '2026-07-04T00:00:00Z', true],
    ['just before it closes',            '2026-07-04T01:59:59Z', true],
    ['as it closes',                     '2026-07-04T02:00:00Z', false],
    ['the same hour in winter is later', '2026-01-03T00:30:00Z', false],
    ['in winter',                        '2026-01-03T01:30:00Z', true],
  ])('%s', (_name, now, expected) => expect(isOpen([saturday], at(now))).toBe(expected))

  test('of several, any counts, and the next one opens first', () => {
    const noon = { cron: '0 12 * * *', duration: '30m', timeZone: 'UTC' }
    expect(isOpen([saturday, noon], at('2026-07-01T12:29:00Z'))).toBe(true)
    expect(nextOpening([saturday, noon], at('2026-07-01T12:29:00Z'))).toEqual(at('2026-07-02T12:00:00Z'))
    expect(nextOpening([], outside)).toBeUndefined()
  })

  // prettier-ignore
  test.each([
    ['good',                saturday, undefined],
    ['a name for a day',    { ...saturday, cron: '0 2 * * SAT' }, undefined],
    ['no such minute',      { ...saturday, cron: '99 2 * * 6' }, 'spec.updatePolicy.windows[0].cron: "99 2 * * 6" is no schedule'],
    ['six fields',          { ...saturday, cron: '0 0 2 * * 6' }, 'spec.updatePolicy.windows[0].cron'],
    ['never',               { ...saturday, cron: '0 0 30 2 *' }, 'spec.updatePolicy.windows[0].cron: "0 0 30 2 *" never comes'],
    ['no such zone',        { ...saturday, timeZone: 'Mars/Olympus' }, 'spec.updatePolicy.windows[0].timeZone: "Mars/Olympus" is no time zone'],
  ])('%s', (_name, window, expected) => {
    const [problem] = windowProblems([window], outside)
    if (expected === undefined) expect(problem).toBeUndefined()
    else expect(problem).toContain(expected)
  })
})

describe('may pods be restarted?', () => {
  const policy = (type: UpdatePolicy['type'], windows: Window[] = [saturday]): UpdatePolicy => ({ type, windows })
  const go = { go: true }
  const no = (reason: string) => ({ go: false, reason })
  const opensAt = at('2026-07-04T00:00:00Z')
  // prettier-ignore
  test.each([
    ['an edit, by default',                       policy('Always'),         'spec',     false, outside, go],
    ['an operator upgrade waits by default',      policy('Always'),         'operator', false, outside, { ...no('OperatorUpgrade'), opensAt }],
    ['for ever without a window',                 policy('Always', []),     'operator', false, outside, no('OperatorUpgrade')],
    ['until a window opens',                      policy('Always'),         'operator', false, inside,  go],
    ['or somebody approves',                      policy('Always', []),     'operator', true,  outside, go],
    ['Window: an edit waits',                     policy('Window'),         'spec',     false, outside, { ...no('AwaitingWindow'), opensAt }],
    ['Window: inside',                            policy('Window'),         'spec',     false, inside,  go],
    ['Window: approved',                          policy('Window'),         'spec',     true,  outside, go],
    ['OnApproval: an edit waits, window or not',  policy('OnApproval'),     'spec',     false, inside,  no('AwaitingApproval')],
    ['OnApproval: approved',                      policy('OnApproval'),     'spec',     true,  outside, go],
    ['Never: not inside a window',                policy('Never'),          'spec',     false, inside,  no('Never')],
    ['Never: not even approved',                  policy('Never'),          'operator', true,  inside,  no('Never')],
  ] as const)('%s', (_name, policy, cause, approved, now, expected) => {
    expect(mayRestart({ policy, cause, approved, now })).toMatchObject(expected)
  })
})

describe('whose doing is a restart?', () => {
  const resources = { cpu: '1', memory: '1Gi', memoryLimit: '1Gi' }
  const before = { parameters: { max_connections: '100', work_mem: '4MB' }, resources }
  const edited = (parameters: Record<string, string>) => ({ ...before, parameters })
  const inForce = settingsOf(before)
  const [connections, libraries] = ['max_connections: 100 → 200', 'shared_preload_libraries: a → a,b']
  // prettier-ignore
  test.each([
    ['nothing was edited',                      [libraries],              inForce,   before, 'operator'],
    ['an edit that needs no restart',           [libraries],              inForce,   edited({ max_connections: '100', work_mem: '8MB' }), 'operator'],
    ['an edit of what waits',                   [connections],            inForce,   edited({ max_connections: '200', work_mem: '4MB' }), 'spec'],
    ['in other letters, the same',              [connections],            inForce,   edited({ Max_Connections: '100', work_mem: '4MB' }), 'operator'],
    ['taken off the spec',                      [connections],            inForce,   edited({ work_mem: '4MB' }), 'spec'],
    ['both: the members restart once',          [libraries, connections], inForce,   edited({ max_connections: '200', work_mem: '4MB' }), 'spec'],
    ['another memory limit',                    ['shared_buffers: 1 → 2'], inForce,  { ...before, resources: { ...resources, memoryLimit: '2Gi' } }, 'spec'],
    ['on the way to the first Ready',           [libraries],              '',        before, 'spec'],
    ['an older operator recorded nothing',      [connections],            undefined, before, 'operator'],
  ] as const)('%s', (_name, waiting, inForce, spec, expected) => {
    expect(causeOfRestart([...waiting], inForce, spec)).toBe(expected)
  })
})

test('an approval is for one plan of one object', () => {
  const hash = planHash('uid-1', { a: 1 })
  expect(planHash('uid-1', { a: 1 })).toBe(hash)
  expect([planHash('uid-2', { a: 1 }), planHash('uid-1', { a: 2 })]).not.toContain(hash)
  const object = {
    apiVersion: 'v1',
    kind: 'DataStore',
    metadata: { name: 'db', annotations: { 'supersmartmatch.io/approve': hash } },
  }
  expect([isApproved(object, hash), isApproved(object, 'another')]).toEqual([true, false])
})

test('differences name the field, and leave out what the API server added', () => {
  const live = {
    containers: [
      { name: 'postgres', image: 'a:1', terminationMessagePath: '/dev/x', resources: { limits: { memory: '1Gi' } } },
      { name: 'old' },
    ],
    dnsPolicy: 'ClusterFirst',
    args: ['a'],
  }
  const desired = {
    containers: [{ name: 'postgres', image: 'a:2', resources: { limits: { memory: '1024Mi' } } }],
    priorityClassName: 'data',
    args: ['a', 'b'],
  }
  expect(differences(desired, live)).toEqual([
    'containers.postgres.image: a:1 → a:2',
    'containers.old: removed',
    'priorityClassName: none → data',
    'args: ["a"] → ["a","b"]',
  ])
  expect(differences(desired, structuredClone(desired))).toEqual([])
})
