import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { rulesOf } from '../../../crds/retention.ts'
import { keepOfStream } from '../../../crds/retention-marks.ts'
import { nanoseconds, type Stream as StreamOfFile } from '../../../migrations/runner/nats-file.ts'
import type { RetentionState } from '../engine.ts'
import { countBefore, duplicateWindow, limited, ruleOf, summary, type Stream } from './retention.ts'

const hour = 3_600e9
const day = 24 * hour

const config = (max_age: number, keep?: string) => ({
  name: 'S',
  max_age,
  duplicate_window: duplicateWindow,
  discard: 'old',
  metadata: { '_nats.level': '1', ...(keep === undefined ? {} : { [keepOfStream]: keep }) },
})

test.each([
  ['as a file made it', config(7 * day), { keep: '7d', hold: false }],
  ['in the words of the spec', config(7 * day, '168h'), { keep: '168h', hold: false }],
  ['a month', config(28 * day, '1mo'), { keep: '1mo', hold: false }],
  ['set by hand after that', config(27 * day + 3 * hour, '1mo'), { keep: '27d 3h', hold: false }],
  ['by hand, less than a second', config(1.5e9, '1mo'), { keep: '2s', hold: false }],
  [
    'longer than the server can',
    limited(config(day), { keep: '99999y', hold: false }),
    { keep: '99999y', hold: false },
  ],
  ['a hold', config(0, '1mo'), { keep: '1mo', hold: true }],
  ['a hold by hand', config(0), { keep: '30d', hold: true }],
  ['nonsense in the metadata', config(0, 'DROP 7d'), { keep: '30d', hold: true }],
])('a stream: %s', (_name, stream, rule) => expect(ruleOf(stream, '30d')).toEqual(rule))

test('another limit changes nothing else, and is read back as it was given', () => {
  const given = config(7 * day)
  const longer = limited(given, { keep: '2y', hold: false })
  expect(longer).toEqual({ ...given, max_age: 730 * day, metadata: { '_nats.level': '1', [keepOfStream]: '2y' } })
  for (const rule of [
    { keep: '18mo', hold: false },
    { keep: '5s', hold: false },
    { keep: '7d', hold: true },
  ])
    expect(ruleOf(limited(longer, rule), '1d')).toEqual(rule)
})

test('the window of duplicates is never longer than messages stay, and comes back', () => {
  const windowOf = (keep: string, hold = false) => limited(config(7 * day), { keep, hold }).duplicate_window
  expect(windowOf('30min')).toBe(hour / 2)
  expect(windowOf('2h')).toBe(2 * hour)
  expect(windowOf('7d')).toBe(2 * hour)
  expect(windowOf('30min', true)).toBe(2 * hour)
})

test('is what migrations/events gives every stream', () => {
  const folder = join(import.meta.dirname, '../../../migrations/events')
  for (const file of readdirSync(folder).filter((name) => /^[0-9].*\.json$/.test(name))) {
    const { streams } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as { streams: StreamOfFile[] }
    for (const { name, duplicate_window } of streams) expect(nanoseconds(duplicate_window), name).toBe(duplicateWindow)
  }
})

const stream = (max_age: number, messages = 0, first_ts = '0001-01-01T00:00:00Z'): Stream => ({
  config: config(max_age),
  state: { messages, first_seq: 1, first_ts },
  ts: '2026-11-28T12:00:00Z',
})
const spec: RetentionState = {
  rules: Object.fromEntries(Object.entries(rulesOf('events')).map(([name, { keep }]) => [name, { keep, hold: false }])),
  holds: [],
}

test('of several streams the longest that differs is told, and the oldest message of all', () => {
  const core = stream(day, 3, '2026-11-27T13:00:00.123456789Z')
  const temporal = stream(9 * day, 1, '2026-11-19T13:00:00Z')
  const streams = new Map([
    ['domain-events', [core, stream(7 * day), temporal]],
    ['behavior-batches', [stream(7 * day)]],
    ['dead-letters', []],
  ])
  expect(summary(streams, spec)).toEqual({
    now: new Date('2026-11-28T12:00:00Z'),
    rules: {
      'domain-events': { keep: '9d', hold: false },
      'behavior-batches': { keep: '7d', hold: false },
      // There is no such stream.
      'dead-letters': { keep: '30d', hold: false },
    },
    oldest: { 'domain-events': new Date('2026-11-19T13:00:00Z') },
    holds: [],
  })
  streams.set('domain-events', [core, stream(7 * day)])
  expect(summary(streams, spec)?.rules['domain-events']).toEqual({ keep: '1d', hold: false })
})

test('messages on hold are no oldest ones, and without a stream there is nothing to tell', () => {
  const held = new Map([['behavior-batches', [stream(0, 1, '2020-01-01T00:00:00Z')]]])
  expect(summary(held, spec)).toMatchObject({ rules: { 'behavior-batches': { keep: '7d', hold: true } }, oldest: {} })
  expect(summary(new Map([['behavior-batches', []]]), spec)).toBeUndefined()
})

test('messages before a number, without those that were deleted among them', () => {
  const state = { messages: 5, first_seq: 11, first_ts: '', deleted: [12, 13, 17] }
  expect(countBefore(15, { state })).toBe(2)
  expect(countBefore(11, { state })).toBe(0)
  expect(countBefore(3, { state })).toBe(0)
})
