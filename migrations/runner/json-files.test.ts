import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { Refused } from './errors.ts'
import { formats } from './formats.ts'
import { natsFile } from './nats-file.ts'

const refuse = (why: string) => new Refused('BadFile', why)
const stream = {
  name: 'A',
  description: 'A test.',
  subjects: ['a.>'],
  retention: 'limits',
  discard: 'old',
  max_age: '7d',
  duplicate_window: '2h',
}
const consumer = {
  stream: 'A',
  name: 'c',
  description: 'A test.',
  filter_subjects: ['a.>'],
  backoff: ['30s'],
  max_deliver: 2,
  max_ack_pending: 1,
}
const events = { about: 'A test.', streams: [stream], consumers: [consumer] }
const jobs = {
  about: 'A test.',
  index: 'jobs',
  version: 1,
  keep_days: 7,
  settings: {},
  mappings: { dynamic: 'strict', properties: {} },
}

test('counts steps, and reads whether a file is breaking', () => {
  expect(formats.nats.read(JSON.stringify(events), refuse)).toEqual({
    breaking: false,
    destructive: false,
    statements: 2,
  })
  expect(formats.elasticsearch.read(JSON.stringify({ ...jobs, breaking: true }), refuse)).toEqual({
    breaking: true,
    destructive: false,
    statements: 4,
  })
})

// prettier-ignore
test.each<['nats' | 'elasticsearch', string, unknown, RegExp]>([
  ['nats',          'what is no JSON',              '{',                                                                       /is not JSON/],
  ['nats',          'no sentence',                  { ...events, about: undefined },                                           /about/],
  ['nats',          'a misspelt field',             { ...events, streams: [{ ...stream, maxage: '7d' }] },                     /\/streams\/0.*/],
  ['nats',          'a time without unit',          { ...events, streams: [{ ...stream, max_age: '7' }] },                     /\/streams\/0\/max_age/],
  ['nats',          'a subject with a space',       { ...events, streams: [{ ...stream, subjects: ['a b'] }] },                /\/streams\/0\/subjects\/0/],
  ['nats',          'fewer tries than waits',       { ...events, consumers: [{ ...consumer, backoff: ['1s', '2s'] }] },        /consumer c: max_deliver must be more than the 2 times of backoff/],
  ['nats',          'nothing',                      { ...events, streams: [], consumers: [] },                                 /names no stream and no consumer/],
  ['elasticsearch', 'a mapping that is not strict', { ...jobs, mappings: { dynamic: true, properties: {} } },                  /\/mappings\/dynamic/],
  ['elasticsearch', 'an index name with a hyphen',  { ...jobs, index: 'jobs-x' },                                              /\/index/],
  ['elasticsearch', 'version 0',                    { ...jobs, version: 0 },                                                   /\/version/],
])('%s: refuses %s', (dialect, _name, file, message) => {
  expect(() => formats[dialect].read(typeof file === 'string' ? file : JSON.stringify(file), refuse)).toThrow(message)
})

test('the platform’s consumers listen to subjects of their streams, and can be told apart', () => {
  const { streams, consumers } = natsFile(
    readFileSync(join(import.meta.dirname, '../events/000001_streams.json'), 'utf8'),
  )
  const prefixes = new Map(
    streams.map(({ name, subjects }) => [name, subjects.map((subject) => subject.replace('>', ''))]),
  )
  for (const { stream: of, filter_subjects } of consumers)
    for (const subject of filter_subjects)
      expect(
        prefixes.get(of)?.some((prefix) => subject.startsWith(prefix)),
        `${subject} of ${of}`,
      ).toBe(true)
  const names = consumers.map(({ stream: of, name }) => `${of} ${name}`)
  expect(new Set(names).size).toBe(names.length)
})
