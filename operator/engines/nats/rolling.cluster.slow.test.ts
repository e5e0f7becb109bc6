import type { NatsConnection } from 'nats'
import { expect, test } from 'vitest'
import { nats } from './engine.ts'
import { client, lab, node, passwords, planOf, ready, soon, start } from './fixture.ts'

test('a store of three pods is restarted pod by pod, and grows, without losing a message or refusing one for long', async () => {
  const plan = planOf('busy', { replicas: 3 })
  const pair = await start(plan)
  for (const ordinal of [0, 1, 2]) await ready(`busy-${ordinal}`)
  const owner = await client(plan, 'owner')
  const manager = await owner.jetstreamManager()
  await manager.streams.add({ name: 'JOBS', subjects: ['jobs.>'], num_replicas: 3 })
  const writer = write(owner)

  const parameters = { max_subscriptions: '100000' }
  await lab.apply(nats.objects(planOf('busy', { replicas: 3, parameters })))
  await lab.kubectl('rollout', 'status', 'statefulset/busy', '--timeout=180s')

  const grown = planOf('busy', { replicas: 5, parameters })
  await lab.apply(nats.objects(grown))
  await lab.kubectl('rollout', 'status', 'statefulset/busy', '--timeout=180s')
  const nodes = () => Promise.all([0, 1, 2, 3, 4].map((ordinal) => node(grown, ordinal, pair)))
  const settle = async () => nats.settle!(await nodes(), grown, passwords(grown), soon())
  await expect.poll(settle, { timeout: 120_000, interval: 1_000 }).toEqual({ changed: [], outdated: {} })

  const { acknowledged, longestGapMs } = await writer.stop()
  await manager.streams.add({ name: 'WIDE', subjects: ['wide'], num_replicas: 5 })
  const { state } = await manager.streams.info('JOBS')
  expect(state.messages).toBe(acknowledged)
  expect(longestGapMs).toBeLessThan(10_000)
}, 600_000)

/** One message after the other, each until it is acknowledged. */
function write(owner: NatsConnection) {
  const stream = owner.jetstream()
  const seen = { acknowledged: 0, longestGapMs: 0 }
  let stopped = false
  const publish = (msgID: string) =>
    stream.publish('jobs.created', '', { msgID, timeout: 2_000 }).then(
      () => true,
      () => false,
    )
  const running = (async () => {
    let last = performance.now()
    while (!stopped) {
      if (!(await publish(String(seen.acknowledged)))) continue
      seen.acknowledged++
      seen.longestGapMs = Math.max(seen.longestGapMs, Math.round(performance.now() - last))
      last = performance.now()
    }
  })()
  const stop = async () => {
    stopped = true
    await running
    return seen
  }
  return { stop }
}
