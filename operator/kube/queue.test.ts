import { assert, asyncProperty, array, constantFrom, integer, record } from 'fast-check'
import { pino } from 'pino'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { WorkQueue, type Requeue } from './queue.ts'

const log = pino({ level: 'silent' })

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
})
afterEach(() => {
  vi.useRealTimers()
})

/** A queue whose processor takes `durationMs` and answers `results` in turn, then {}. Returns when each key was started. */
function recording(options: { workers?: number; durationMs?: number; results?: (Requeue | Error)[] } = {}) {
  const started: { key: string; atMs: number }[] = []
  const results = [...(options.results ?? [])]
  const process = async (key: string): Promise<Requeue> => {
    started.push({ key, atMs: Math.round(performance.now()) })
    await new Promise((resolve) => setTimeout(resolve, options.durationMs ?? 0))
    const result = results.shift() ?? {}
    if (result instanceof Error) throw result
    return result
  }
  const queue = new WorkQueue({ name: 'test', workers: options.workers ?? 1, process, log })
  return { queue, started, keys: () => started.map(({ key }) => key) }
}

describe('keys', () => {
  test('are processed in order, each once however often it was added', async () => {
    const { queue, keys } = recording()
    for (const key of ['a', 'b', 'a', 'c', 'b']) queue.add(key)
    queue.start()
    await vi.runAllTimersAsync()
    expect(keys()).toEqual(['a', 'b', 'c'])
  })

  test('added while processed are processed once more, afterwards', async () => {
    const { queue, started } = recording({ workers: 4, durationMs: 100 })
    queue.start()
    queue.add('a')
    await vi.advanceTimersByTimeAsync(50)
    queue.add('a')
    queue.add('a')
    await vi.runAllTimersAsync()
    expect(started.map(({ atMs }) => atMs - (started[0]?.atMs ?? 0))).toEqual([0, 100])
  })

  test('wait at most once: an event overtakes a delay, the sooner of two delays counts', async () => {
    const { queue, started } = recording()
    queue.start()
    const beginMs = performance.now()
    queue.addAfter('a', 1_000)
    queue.addAfter('a', 5_000)
    queue.addAfter('b', 1_000)
    await vi.advanceTimersByTimeAsync(100)
    queue.add('b')
    await vi.runAllTimersAsync()
    expect(started.map(({ key, atMs }) => [key, atMs - beginMs])).toEqual([
      ['b', 100],
      ['a', 1_000],
    ])
  })

  test('nothing is processed before start', async () => {
    const { queue, keys } = recording()
    queue.add('a')
    await vi.runAllTimersAsync()
    expect(keys()).toEqual([])
  })
})

test('a key that is processed for more than five minutes is told; what ended or waits is not', async () => {
  const { queue } = recording({ durationMs: 400_000, results: [{ afterMs: 900_000 }] })
  queue.start()
  queue.add('ns/a')
  await vi.advanceTimersByTimeAsync(300_000)
  expect(queue.whyStuck()).toBeUndefined()
  await vi.advanceTimersByTimeAsync(1_000)
  expect(queue.whyStuck()).toBe('test ns/a has been processed for more than 5 minutes')
  await vi.advanceTimersByTimeAsync(500_000)
  expect(queue.whyStuck()).toBeUndefined()
  await vi.runAllTimersAsync()
})

describe('requeue', () => {
  test('after the time the processor asked for', async () => {
    const { queue, started } = recording({ results: [{ afterMs: 3_000 }] })
    queue.start()
    queue.add('a')
    await vi.runAllTimersAsync()
    expect((started[1]?.atMs ?? 0) - (started[0]?.atMs ?? 0)).toBe(3_000)
    expect(started).toHaveLength(2)
  })

  test('backoff doubles with jitter up to the cap, a throw counts, success resets it', async () => {
    const failing: (Requeue | Error)[] = Array.from({ length: 12 }, () => new Error('x'))
    const { queue, started } = recording({ results: [...failing, {}, 'backoff'] })
    queue.start()
    queue.add('a')
    await vi.runAllTimersAsync()
    queue.add('a')
    await vi.runAllTimersAsync()
    const gaps = started.slice(1).map(({ atMs }, index) => atMs - (started[index]?.atMs ?? 0))
    gaps.slice(0, 12).forEach((gap, index) => {
      const full = Math.min(60_000, 500 * 2 ** index)
      expect(gap).toBeGreaterThanOrEqual(full / 2 - 1)
      expect(gap).toBeLessThanOrEqual(full + 1)
    })
    expect(started).toHaveLength(15)
    expect(gaps.at(-1)).toBeLessThanOrEqual(501)
  })
})

test('backoff that may not take longer than asked still counts as a failure', async () => {
  const limited: Requeue[] = Array.from({ length: 8 }, () => ({ backoffAtMostMs: 2_000 }))
  const { queue, started } = recording({ results: [...limited, 'backoff'] })
  queue.start()
  queue.add('a')
  await vi.runAllTimersAsync()
  const gaps = started.slice(1).map(({ atMs }, index) => atMs - (started[index]?.atMs ?? 0))
  expect(Math.max(...gaps.slice(0, 8))).toBeLessThanOrEqual(2_001)
  expect(gaps[0]).toBeLessThanOrEqual(501)
  expect(gaps[8]).toBeGreaterThanOrEqual(30_000 - 1)
})

describe('drain', () => {
  test('waits for what runs and starts nothing more', async () => {
    const { queue, keys } = recording({ durationMs: 500 })
    queue.start()
    queue.add('a')
    queue.add('b')
    queue.addAfter('c', 10)
    await vi.advanceTimersByTimeAsync(100)
    let drained = false
    void queue.drain({ hurryMs: 10_000, giveUpMs: 20_000 }).then(() => (drained = true))
    await vi.advanceTimersByTimeAsync(300)
    expect(drained).toBe(false)
    await vi.advanceTimersByTimeAsync(200)
    expect(drained).toBe(true)
    queue.add('d')
    await vi.runAllTimersAsync()
    expect(keys()).toEqual(['a'])
  })

  test('aborts what takes too long', async () => {
    const process = (_key: string, signal: AbortSignal) =>
      new Promise<Requeue>((resolve) => signal.addEventListener('abort', () => resolve({})))
    const queue = new WorkQueue({ name: 'test', workers: 1, process, log })
    queue.start()
    queue.add('a')
    let drained = false
    void queue.drain({ hurryMs: 1_000, giveUpMs: 2_000 }).then(() => (drained = true))
    await vi.advanceTimersByTimeAsync(999)
    expect(drained).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(drained).toBe(true)
  })

  test('leaves behind what does not heed the abort', async () => {
    const { queue } = recording({ durationMs: 60_000 })
    queue.start()
    queue.add('a')
    await vi.advanceTimersByTimeAsync(1)
    let drained = false
    void queue.drain({ hurryMs: 1_000, giveUpMs: 2_000 }).then(() => (drained = true))
    await vi.advanceTimersByTimeAsync(1_999)
    expect(drained).toBe(false)
    await vi.advanceTimersByTimeAsync(1)
    expect(drained).toBe(true)
    await vi.runAllTimersAsync()
  })
})

test('property: a key never runs twice at once, workers are respected, and the last event is always seen', async () => {
  const key = constantFrom('a', 'b', 'c')
  const step = record({ key, waitMs: integer({ min: 0, max: 30 }), delayMs: integer({ min: 0, max: 40 }) })
  const run = asyncProperty(array(step, { maxLength: 40 }), integer({ min: 1, max: 3 }), async (steps, workers) => {
    const running = new Set<string>()
    const version: Record<string, number> = {}
    const processed: Record<string, number> = {}
    const process = async (one: string): Promise<Requeue> => {
      expect(running.has(one)).toBe(false)
      expect(running.size).toBeLessThan(workers)
      running.add(one)
      const read = version[one] ?? 0
      await new Promise((resolve) => setTimeout(resolve, 20))
      running.delete(one)
      processed[one] = read
      return read % 3 === 0 ? 'backoff' : read % 3 === 1 ? { afterMs: 10 } : {}
    }
    const queue = new WorkQueue({ name: 'test', workers, process, log })
    queue.start()
    for (const { key: one, waitMs, delayMs } of steps) {
      version[one] = (version[one] ?? 0) + 1
      if (delayMs > 20) queue.addAfter(one, delayMs)
      else queue.add(one)
      await vi.advanceTimersByTimeAsync(waitMs)
    }
    await vi.advanceTimersByTimeAsync(2_000)
    await Promise.all([queue.drain({ hurryMs: 100, giveUpMs: 200 }), vi.advanceTimersByTimeAsync(200)])
    expect(processed).toEqual(version)
  })
  await assert(run, { numRuns: 100 })
})
