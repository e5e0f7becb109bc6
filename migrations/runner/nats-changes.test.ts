import { expect, test } from 'vitest'
import { keepOfStream } from '../../crds/retention-marks.ts'
import { besideOperator, consumerConfig, differences, losses, streamConfig, unchangeable } from './nats-changes.ts'
import type { Config } from './nats-changes.ts'

const day = 86_400e9
const stream = streamConfig(
  {
    name: 'A',
    description: 'A test.',
    subjects: ['a.>', 'b.>'],
    retention: 'limits',
    discard: 'old',
    max_age: '7d',
    duplicate_window: '2h',
    allow_atomic: true,
  },
  3,
)
/** As the server tells it: with all the fields that it has. */
const live = { ...stream, max_bytes: -1, max_msgs: -1, max_msgs_per_subject: -1, max_consumers: -1, sealed: false }

test('a stream is kept on disk, on as many servers as said, with times in nanoseconds', () => {
  expect(stream).toMatchObject({ storage: 'file', num_replicas: 3, max_age: 7 * day, duplicate_window: 2 * 3600e9 })
})

test('a consumer waits first as long as the first of its backoff, which is what the server tells', () => {
  const consumer = {
    stream: 'A',
    name: 'c',
    description: 'x',
    filter_subjects: ['a.>'],
    max_deliver: 3,
    max_ack_pending: 1,
  }
  expect(consumerConfig({ ...consumer, backoff: ['30s', '1m'] })).toMatchObject({
    durable_name: 'c',
    ack_wait: 30e9,
    backoff: [30e9, 60e9],
  })
})

test('what the server adds is no difference, nor is the order of subjects, nor false for what it leaves out', () => {
  expect(differences({ ...live, subjects: ['b.>', 'a.>'] }, stream)).toEqual([])
  expect(differences(live, { ...stream, allow_direct: false })).toEqual([])
})

// prettier-ignore
test.each<[string, Config, string[]]>([
  ['a longer age',            { max_age: 8 * day },                    []],
  ['a shorter age',           { max_age: 6 * day },                    [`max_age from ${7 * day} to ${6 * day}`]],
  ['a first size limit',      { max_bytes: 1000 },                     ['max_bytes from unlimited to 1000']],
  ['one message a subject',   { max_msgs_per_subject: 1 },             ['max_msgs_per_subject from unlimited to 1']],
  ['a subject more',          { subjects: ['a.>', 'b.>', 'c.>'] },     []],
  ['a subject less',          { subjects: ['a.>'] },                   ['subject b.> is kept no more']],
  ['another window',          { duplicate_window: 60e9 },              []],
])('%s', (_name, change, expected) => {
  expect(losses(live, { ...stream, ...change })).toEqual(expected)
})

test('no limit is more than any', () => {
  expect(losses({ ...live, max_bytes: 1000 }, { ...stream, max_bytes: -1 })).toEqual([])
  expect(losses({ ...live, max_age: 0 }, stream)).toEqual([`max_age from unlimited to ${7 * day}`])
})

test('what the server never changes is named', () => {
  expect(unchangeable('stream', live, { ...stream, storage: 'memory', max_age: day })).toEqual(['storage'])
  expect(
    unchangeable('consumer', { ack_policy: 'none', max_deliver: 1 }, { ack_policy: 'explicit', max_deliver: 2 }),
  ).toEqual(['ack_policy'])
})

test('an age limit that the operator keeps is no difference, no loss and stays', () => {
  const metadata = { '_nats.level': '1', [keepOfStream]: '30d' }
  for (const age of [30 * day, 3600e9, 0]) {
    const kept: Config = { ...live, max_age: age, duplicate_window: 3600e9, metadata }
    const wanted = besideOperator(kept, stream)
    expect(differences(kept, wanted)).toEqual([])
    expect(losses(kept, wanted)).toEqual([])
    const more = besideOperator(kept, { ...stream, subjects: ['a.>', 'b.>', 'c.>'] })
    expect(differences(kept, more)).toEqual(['subjects'])
    expect({ ...kept, ...more }).toMatchObject({ max_age: age, duplicate_window: 3600e9, metadata })
  }
  // Nobody keeps it: as files say.
  expect(besideOperator({ ...live, metadata: { '_nats.level': '1' } }, stream)).toBe(stream)
  expect(besideOperator(live, stream)).toBe(stream)
})
