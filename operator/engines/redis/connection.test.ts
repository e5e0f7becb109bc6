import { describe, expect, test } from 'vitest'
import { classify, clusterProblem } from './probe.ts'
import { Incomplete, readReply, RedisError } from './reply.ts'

const read = (text: string) => readReply(Buffer.from(text, 'latin1'), 0)

// prettier-ignore
test.each([
  ['+OK\r\n',                                'OK'],
  [':-12\r\n',                               -12],
  ['$-1\r\n',                                null],
  ['*-1\r\n',                                null],
  ['$0\r\n\r\n',                             ''],
  ['$4\r\na\r\nb\r\n',                       'a\r\nb'],
  ['$2\r\n\xff\x00\r\n',                     '\xff\x00'],
  ['*3\r\n:1\r\n*1\r\n+a\r\n$1\r\nb\r\n',    [1, ['a'], 'b']],
])('%j is read', (text, reply) => expect(read(text)).toEqual({ reply, end: text.length }))

test('an answer may come in any pieces', () => {
  const text = '*2\r\n$3\r\nabc\r\n:1\r\n'
  for (let length = 0; length < text.length; length++) expect(() => read(text.slice(0, length))).toThrow(Incomplete)
})

test('an error has a code', () => {
  const { reply } = read('-LOADING Redis is loading\r\n')
  expect(reply).toBeInstanceOf(RedisError)
  expect(reply).toMatchObject({ code: 'LOADING', message: 'LOADING Redis is loading' })
})

test('what is no Redis is told from it', () =>
  expect(() => read('HTTP/1.1 400 Bad Request\r\n')).toThrow('this is not Redis'))

describe('health', () => {
  const error = (code: string, message: string) => Object.assign(new Error(message), { code })

  // prettier-ignore
  test.each([
    [new RedisError('LOADING Redis is loading the dataset in memory'), { state: 'starting', message: 'Redis: LOADING Redis is loading the dataset in memory' }],
    [new RedisError('WRONGPASS invalid username-password pair'),       { state: 'degraded', message: 'Redis: WRONGPASS invalid username-password pair' }],
    [error('ERR_TLS_CERT_ALTNAME_INVALID', 'another name'),            { state: 'degraded', message: 'certificate of h:1: another name' }],
    [error('SELF_SIGNED_CERT_IN_CHAIN', 'self-signed'),                { state: 'degraded', message: 'certificate of h:1: self-signed' }],
    [error('ECONNREFUSED', ''),                                        { state: 'unreachable', message: 'h:1: ECONNREFUSED' }],
  ])('%s', (thrown, health) => expect(classify(thrown, 'h:1', new AbortController().signal)).toEqual(health))

  // prettier-ignore
  test.each([
    ['cluster_state:ok\r\ncluster_slots_ok:16384\r\n',   undefined],
    ['cluster_state:fail\r\ncluster_slots_ok:16000\r\n', 'Redis Cluster is down: 384 of 16384 slots have no master that answers'],
    ['cluster_state:fail\r\ncluster_slots_ok:16384\r\n', 'Redis Cluster is down: too few of its masters see each other'],
    ['',                                                 undefined],
  ])('%j', (info, problem) => expect(clusterProblem(info)).toBe(problem))
})
