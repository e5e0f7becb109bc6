import { describe, expect, test } from 'vitest'
import { lastWords, migrationState, podProblem } from './decide.ts'

const job = (type?: string, message = '') => ({
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'j' },
  status: type ? { conditions: [{ type, status: 'True', message }] } : {},
})

// prettier-ignore
test.each([
  ['no Job yet',      undefined,                             { state: 'missing' }],
  ['the Job runs',    job(),                                 { state: 'running' }],
  ['the Job is done', job('Complete'),                       { state: 'applied' }],
  ['the Job failed',  job('Failed', 'BackoffLimitExceeded'), { state: 'failed', reason: 'BackoffLimitExceeded' }],
])('%s', (_name, found, expected) => expect(migrationState(found)).toEqual(expected))

const pod = (status: object) => ({ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'demo-core-0' }, status })

describe('what keeps a pod from running', () => {
  // prettier-ignore
  test.each([
    ['nothing',            {}, undefined],
    ['an ordinary start',  { containerStatuses: [{ name: 'c', state: { waiting: { reason: 'ContainerCreating' } } }] }, undefined],
    ['an image',           { containerStatuses: [{ name: 'c', state: { waiting: { reason: 'ErrImagePull', message: 'no such tag' } } }] }, 'pod demo-core-0: ErrImagePull: no such tag'],
    ['an init container',  { initContainerStatuses: [{ name: 'c', state: { waiting: { reason: 'CrashLoopBackOff' } } }] }, 'pod demo-core-0: CrashLoopBackOff'],
    ['no room',            { conditions: [{ type: 'PodScheduled', status: 'False', message: '0/1 nodes: insufficient memory' }] }, 'pod demo-core-0 cannot be scheduled: 0/1 nodes: insufficient memory'],
  ])('%s', (_name, status, expected) => expect(podProblem([pod(status)])).toBe(expected))
})

test('the newest termination message is the one that counts', () => {
  const ended = (message: string, finishedAt: string) =>
    pod({ containerStatuses: [{ name: 'migrate', state: { terminated: { message, finishedAt } } }] })
  const pods = [ended('second', '2026-01-02T00:00:00Z'), ended('first', '2026-01-01T00:00:00Z'), pod({})]
  expect(lastWords(pods)).toBe('second')
  expect(lastWords([pod({})])).toBeUndefined()
})
