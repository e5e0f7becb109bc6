import { spawn } from 'node:child_process'
import { expect, test } from 'vitest'
import { bootId, endProcesses, hasEnded, identify, isAlive, parseStartTime } from './processes.ts'

const onLinux = test.skipIf(process.platform !== 'linux')

test('the start time is found behind a name with spaces and brackets', () => {
  const fields = Array.from({ length: 40 }, (_, index) => String(index + 3)).join(' ')
  expect(parseStartTime(`12 (a) b (c)) ${fields}`)).toBe('22')
  expect(parseStartTime('')).toBeUndefined()
})

// prettier-ignore
test.each([
  ['runs',                                 'S', 12, false],
  ['was killed, but has threads that end', 'Z', 11, false],
  ['was killed',                           'Z', 1,  true],
  ['was killed, and is no longer counted', 'Z', 0,  true],
])('a process that %s', (_, state, threads, ended) => {
  expect(hasEnded(`12 (a) b (c)) ${state} ${'0 '.repeat(16)}${threads} 0 4711`)).toBe(ended)
})

onLinux('a process is known by start time and boot, not by its number alone', () => {
  const own = identify(process.pid)
  if (!own) throw new Error('this process is not in /proc')
  expect(own.bootId).toBe(bootId())
  expect(isAlive(own)).toBe(true)
  expect(isAlive({ ...own, startTime: '1' })).toBe(false)
  expect(isAlive({ ...own, bootId: 'another' })).toBe(false)
})

onLinux('a process that ignores SIGTERM is killed after its grace', async () => {
  const child = spawn('sh', ['-c', 'trap "" TERM; echo ready; while :; do sleep 0.1; done'])
  await new Promise((resolve) => child.stdout.once('data', resolve))
  const identity = identify(child.pid ?? 0)
  if (!identity) throw new Error('the child is not in /proc')
  const ended = new Promise((resolve) => child.once('exit', (_, signal) => resolve(signal)))
  await endProcesses([identity], 200)
  expect(isAlive(identity)).toBe(false)
  expect(await ended).toBe('SIGKILL')
})
