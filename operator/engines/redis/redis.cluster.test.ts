import { X509Certificate } from 'node:crypto'
import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect as connectTls } from 'node:tls'
import { beforeAll, describe, expect, test } from 'vitest'
import { rulesOf } from '../../../crds/retention.ts'
import { operatorImage } from '../../testing/lab.ts'
import { busPort } from './config.ts'
import { pairs, withConnection } from './connection.ts'
import { redis } from './engine.ts'
import { runtimeSettings, startSettings, whyRefused } from './parameters.ts'
import { infoOf } from './probe.ts'
import { newNames, settings } from './settings.ts'
import { retention } from './retention.ts'
import { createRedisLab, soon, type Store } from './testing.ts'
import type { RetentionState } from '../engine.ts'
import { secondsOf, wanted } from '../retention.ts'

/** Real pods from our own objects, under Pod Security restricted. */
let image: string
const { lab, planOf, storeOf, certificate, apply, pods, targetOf, settle, settled, client, run } = await createRedisLab(
  () => image,
)
beforeAll(async () => {
  image = await operatorImage('IMAGE_REDIS')
})

const slow = process.env['SLOW'] === '1'
const someKeys = (count: number) => Array.from({ length: count }, (_, index) => `key-${index}`)
const restartsOf = async (store: Store) =>
  (await pods(store)).map(({ metadata, status }) => `${metadata['uid']} ${status.containerStatuses?.[0]?.restartCount}`)

/** What a server sends to someone who speaks no TLS, before it hangs up. */
function plainAnswer(host: string, port: number): Promise<string> {
  return new Promise((resolve) => {
    let received = ''
    const socket = connect({ host, port }, () => socket.write('PING\r\n'))
    socket.on('data', (chunk) => (received += chunk.toString('latin1')))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(received))
  })
}

/** A client without a certificate on the bus. */
function busAnswer(host: string, ca: string, servername: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connectTls({ host, port: busPort, ca, checkServerIdentity: () => undefined, servername })
    socket.on('data', (chunk: Buffer) => resolve(`answered ${chunk.length} bytes`))
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('close', () => resolve('closed'))
  })
}

// prettier-ignore
const rights: [login: string, command: string, answer: RegExp][] = [
  ['app',        'SET {a} 1 EX 60',             /^OK$/],
  ['app',        'EVAL return(1) 0',            /^1$/],
  ['app',        'PUBLISH channel hello',       /^0$/],
  ['app',        'CLUSTER SLOTS',               /./],
  ['app',        'INFO server',                 /redis_version:8/],
  ['app',        'KEYS *',                      /^NOPERM/],
  ['app',        'FLUSHALL',                    /^NOPERM/],
  ['app',        'FUNCTION LIST',               /^NOPERM/],
  ['app',        'CONFIG GET maxmemory',        /^NOPERM/],
  ['app',        'CLUSTER RESET',               /^NOPERM/],
  ['owner',      'FLUSHALL',                    /^OK$/],
  ['owner',      'FUNCTION LIST',               /^$/],
  ['owner',      'KEYS *',                      /^$/],
  ['owner',      'CONFIG SET maxmemory 0',      /^NOPERM/],
  ['owner',      'CONFIG GET masterauth',       /^NOPERM/],
  ['owner',      'ACL LIST',                    /^NOPERM/],
  ['owner',      'MIGRATE h 1 k 0 1',           /^NOPERM/],
  ['owner',      'SHUTDOWN',                    /^NOPERM/],
  ['monitoring', 'PING',                        /^PONG$/],
  ['monitoring', 'INFO all',                    /used_memory/],
  ['monitoring', 'LATENCY LATEST',              /^/],
  ['monitoring', 'SLOWLOG GET',                 /^/],
  ['monitoring', 'CLUSTER INFO',                /cluster_state:ok/],
  ['monitoring', 'GET {a}',                     /^NOPERM/],
  ['monitoring', 'CONFIG GET masterauth',       /^NOPERM/],
  ['replicator', 'GET {a}',                     /^NOPERM/],
  ['replicator', 'ACL LIST',                    /^NOPERM/],
]

/** One value of each setting that is not its default. */
const otherValues: Record<string, string> = {
  'client-output-buffer-limit': 'pubsub 64mb 16mb 90',
  'notify-keyspace-events': 'xE$',
  'maxmemory-clients': '5%',
}

function anotherValue(name: string): string {
  const setting = settings.get(name)
  const given = otherValues[name]
  if (given !== undefined || !setting) return given ?? ''
  if (setting.type === 'bool') return setting.byDefault === 'yes' ? 'no' : 'yes'
  if (setting.type === 'enum') return setting.values?.find((value) => value !== setting.byDefault) ?? ''
  if (setting.type === 'size') return '32mb'
  return String(Number(setting.byDefault) + (Number(setting.byDefault) === setting.max ? -1 : 1))
}

describe('one pod', () => {
  let store: Store

  test('is a whole cluster, small, and nothing is left to do', async () => {
    store = await storeOf('single')
    await apply(store)
    expect(await settled(store)).toContain('single-0 has slots 0-16383')
    const [pod] = await pods(store)
    expect(await redis.probe(targetOf(store, pod!), soon())).toMatchObject({ state: 'ready', version: /^8\./ })
    expect(await settle(store)).toEqual({ changed: [], outdated: {} })
    const memory = infoOf(String(await run(store, pod, 'INFO memory')))
    expect(Number(memory['used_memory_rss'])).toBeLessThan(64 * 2 ** 20)
    expect(Number(memory['maxmemory'])).toBe(Math.floor(256 * 2 ** 20 * 0.6))
  })

  test('answers the official client over verified TLS, with nothing but the binding', async () => {
    const app = await client(store)
    await Promise.all(someKeys(100).map((key) => app.set(key, key, 'EX', 3600)))
    expect(await app.get('key-7')).toBe('key-7')
    expect(await app.mget('{a}x', '{a}y')).toEqual([null, null])
    expect(await app.eval('return redis.call("incr", KEYS[1])', 1, 'counter')).toBe(1)
  })

  test('refuses a wrong password, no login, and who speaks no TLS or shows no certificate to the bus', async () => {
    const [pod] = await pods(store)
    const target = targetOf(store, pod!)
    const refused = { state: 'degraded', message: expect.stringContaining('WRONGPASS') as string }
    expect(await redis.probe({ ...target, password: 'wrong' }, soon())).toMatchObject(refused)
    expect(await redis.probe({ ...target, username: 'default', password: '' }, soon())).toMatchObject(refused)
    const other = await redis.probe({ ...target, serverName: 'evil.ns.svc' }, soon())
    expect(other).toMatchObject({ state: 'degraded', message: expect.stringContaining('altnames') as string })
    expect(await plainAnswer(target.host, redis.port)).toBe('')
    expect(await plainAnswer(target.host, busPort)).toBe('')
    expect(await busAnswer(target.host, target.ca, target.serverName ?? '')).toMatch(/CERTIFICATE_REQUIRED|ECONNRESET/)
  })

  test.each(rights)('%s: %s', async (login, command, answer) => {
    const [pod] = await pods(store)
    const said = await run(store, pod, command, login).catch((error: unknown) => (error as Error).message)
    expect(String(said)).toMatch(answer)
  })

  test('knows every setting it is offered, and has none that nobody decided about', async () => {
    const [pod] = await pods(store)
    const known = Object.keys(pairs(await run(store, pod, 'CONFIG GET *')))
    expect([...settings.keys()].filter((name) => !known.includes(name))).toEqual([])
    expect(known.filter((name) => !settings.has(name) && !newNames[name] && !whyRefused(name))).toEqual([])
    expect(Object.values(newNames).filter((name) => !settings.has(name))).toEqual([])
  })

  test('takes over every parameter while it runs, and its default again', async () => {
    const reloadable = [...settings].filter(([, { change }]) => change === 'reload').map(([name]) => name)
    const parameters = Object.fromEntries(reloadable.map((name) => [name, anotherValue(name)]))
    const changed = { ...store, plan: planOf('single', { parameters }) }
    expect(redis.validate?.(changed.plan.store)).toEqual([])
    const before = await restartsOf(store)
    await apply(changed)
    const events = await settled(changed)
    expect(events.map((event) => event.split(':')[0]).sort()).toEqual(reloadable.sort())
    const [pod] = await pods(store)
    const inForce = pairs(await run(store, pod, `CONFIG GET *`))
    expect(inForce).toMatchObject({ ...runtimeSettings(changed.plan.store), ...startSettings(changed.plan.store) })
    expect(await settle(changed)).toEqual({ changed: [], outdated: {} })
    await apply(store)
    await settled(store)
    expect(pairs(await run(store, pod, `CONFIG GET *`))).toMatchObject(runtimeSettings(store.plan.store))
    expect(await restartsOf(store)).toEqual(before)
  })

  test('reads new passwords, also the operator’s own', async () => {
    const before = await restartsOf(store)
    const [pod] = await pods(store)
    store = { ...store, passwords: { ...store.passwords, admin: 'another-of-admin', app: 'another-of-app' } }
    await apply(store)
    expect(await settled(store)).toEqual([])
    const old = targetOf(store, pod!, 'app', 'password-of-app')
    expect(await redis.probe(old, soon())).toMatchObject({ state: 'degraded' })
    expect(await redis.probe(targetOf(store, pod!, 'app'), soon())).toMatchObject({ state: 'ready' })
    expect(await restartsOf(store)).toEqual(before)
  })

  test('shows a renewed certificate', async () => {
    const before = await restartsOf(store)
    store = { ...store, pair: await certificate(store.plan) }
    await apply(store)
    const [pod] = await pods(store)
    const shown = async () => {
      await settle(store)
      return withConnection(targetOf(store, pod!), soon(), async (connection) => connection.certificate)
    }
    const renewed = new X509Certificate(store.pair.certificate).fingerprint256
    await expect.poll(shown, { timeout: 100_000, interval: 500 }).toBe(renewed)
    expect(await restartsOf(store)).toEqual(before)
  })

  test('grows by a shard, which gets half of the keys, and comes back with them when it is killed', async () => {
    const app = await client(store)
    const keys = someKeys(200)
    await Promise.all(keys.map((key) => app.set(key, key)))
    const before = await restartsOf(store)
    store = { ...store, plan: planOf('single', { shards: 2 }) }
    await apply(store)
    expect(await settled(store)).toContainEqual(expect.stringMatching(/slots moved to single-1/))
    expect(await restartsOf(store)).toEqual(expect.arrayContaining(before))
    expect(await Promise.all(keys.map((key) => app.get(key)))).toEqual(keys)
    const sizes = await Promise.all((await pods(store)).map((pod) => run(store, pod, 'DBSIZE')))
    expect(Math.min(...sizes.map(Number))).toBeGreaterThan(50)

    // The append-only file is synced every second.
    await sleep(1_500)
    await lab.kubectl('delete', 'pods', 'single-0', 'single-1', '--force', '--grace-period=0')
    expect(await settled(store)).toEqual([])
    expect(await Promise.all(keys.map((key) => app.get(key)))).toEqual(keys)
  })

  test('each rule ends its keys no later than the spec says, on every primary, on hold none, and leaves others alone', async () => {
    const app = await client(store)
    const ids = Array.from({ length: 30 }, (_, index) => `01234567-89ab-4cde-8f01-2345678900${10 + index}`)
    const every = (...patterns: string[]) => ids.flatMap((id) => patterns.map((pattern) => pattern.replace('*', id)))
    const keysOf: Record<string, string[]> = {
      sessions: every('v1:sess:{*}:a', 'v1:sess:{*}'),
      profiles: every('v1:cache:{*}:profile', 'v1:cache:{*}:matches', 'v1:cache:{*}:prefs'),
      'rate-limits': every('v1:rl:login:{*}'),
      results: every('v1:cache:job:*', 'v1:cache:search:*'),
    }
    const table = Object.entries(rulesOf('cache')).map(([rule, { keep }]) => [rule, keep] as const)
    expect(Object.keys(keysOf)).toEqual(table.map(([rule]) => rule))
    const others = every('v1:cache:other:*', 'v2:sess:{*}')
    // Without an end, with one that is too late, and with one that is early enough, of every rule.
    const lives = [-1, 200_000, 60]
    const all = [...Object.values(keysOf).flat(), ...others]
    await Promise.all(
      all.map((key, index) => {
        const life = lives[index % lives.length] ?? -1
        return life < 0 ? app.set(key, 'x') : app.set(key, 'x', 'EX', life)
      }),
    )
    /** What they have left, the shortest and the longest; -1 of one without an end, as -2 of one that is gone. */
    const left = async (keys: string[]) => {
      const found = await Promise.all(keys.map((key) => app.ttl(key)))
      return {
        least: Math.min(...found),
        most: Math.max(...found),
        endless: found.filter((life) => life === -1).length,
      }
    }

    const [pod] = await pods(store)
    const target = targetOf(store, pod!, 'owner')
    const planWith = (rules: Record<string, { keep: string }>) => planOf('single', { shards: 2, retention: { rules } })
    const seen = async (plan = store.plan) => (await retention.observe(target, plan, soon()))?.rules
    const apply = (state: RetentionState) => retention.apply(target, store.plan, state, soon())
    const state = wanted(store.plan.store)

    const noted = await Promise.all(Object.values(keysOf).map(left))
    const held = Object.entries(state.rules).map(([rule, { keep }]) => [rule, { keep, hold: true }] as const)
    await apply({ ...state, rules: Object.fromEntries(held) })
    expect(await seen()).toEqual(
      Object.fromEntries(table.map(([rule]) => [rule, { keep: 'without end', hold: false }])),
    )
    for (const [index, keys] of Object.values(keysOf).entries())
      expect(await left(keys)).toMatchObject({
        endless: noted[index]?.endless,
        most: expect.closeTo(200_000, -2) as number,
      })

    expect(await retention.removes(target, store.plan, state, soon())).toEqual({})
    await apply(state)
    expect(await seen()).toEqual(state.rules)
    for (const [rule, keep] of table) {
      const { least, most } = await left(keysOf[rule] ?? [])
      expect([most, least], rule).toEqual([expect.closeTo(secondsOf(keep), -2), expect.closeTo(60, -2)])
      expect(least).toBeLessThanOrEqual(60)
      expect(most).toBeLessThanOrEqual(secondsOf(keep))
    }

    const short: Record<string, { keep: string }> = {}
    for (const [rule, keep] of table) {
      expect((await seen(planWith({ ...short, [rule]: { keep: '2s' } })))?.[rule]).toEqual({ keep, hold: false })
      short[rule] = { keep: '2s' }
      const next = wanted(planWith(short).store)
      await apply(next)
      expect(await seen(planWith(short))).toEqual(next.rules)
      expect((await left(keysOf[rule] ?? [])).most, rule).toBeLessThanOrEqual(2)
      const waiting = Object.entries(keysOf).flatMap(([name, keys]) => (name in short ? [] : keys))
      expect((await left([...waiting, ...others])).least).toBeGreaterThan(-2)
    }
    const gone = async () => (await left(Object.values(keysOf).flat())).most
    await expect.poll(gone, { timeout: 10_000 }).toBe(-2)
    expect(await left(others)).toMatchObject({
      endless: others.length / 3,
      most: expect.closeTo(200_000, -2) as number,
    })
  })
}, 180_000)

describe('a shard with a copy', () => {
  let store: Store
  const masterOf = async () => {
    for (const pod of await pods(store)) {
      const role = infoOf(String(await run(store, pod, 'INFO replication')))['role']
      if (role === 'master') return pod.metadata.name
    }
    return undefined
  }

  test('is formed, and hands over before its master stops', async () => {
    store = await storeOf('pair', { replicas: 2 })
    await apply(store)
    expect(await settled(store)).toEqual(expect.arrayContaining(['pair-0 has slots 0-16383', 'pair-1 copies pair-0']))
    const app = await client(store)
    await app.set('kept', '1')
    await lab.kubectl('delete', 'pod', 'pair-0')
    // By itself: settle would have said so.
    expect(await settled(store)).toEqual([])
    expect(await masterOf()).toBe('pair-1')
    expect(await app.get('kept')).toBe('1')
  })

  test('finds itself again when all pods come back under other addresses', async () => {
    const app = await client(store)
    await app.set('kept', '2')
    await sleep(1_500)
    const before = (await pods(store)).map(({ status }) => status.podIP)
    await lab.kubectl('delete', 'pods', 'pair-0', 'pair-1', '--force', '--grace-period=0')
    await settled(store)
    expect((await pods(store)).filter(({ status }) => before.includes(status.podIP))).toEqual([])
    expect(await app.get('kept')).toBe('2')
    expect(await settle(store)).toEqual({ changed: [], outdated: {} })
  })

  test.runIf(slow)('has its copy take over from a master that hangs', async () => {
    const hanging = await masterOf()
    const [pod] = (await pods(store)).filter(({ metadata }) => metadata.name === hanging)
    await run(store, pod, 'CONFIG SET busy-reply-threshold 600000')
    await withConnection(targetOf(store, pod!), AbortSignal.timeout(500), ({ send }) =>
      send('EVAL', 'while true do end', '0'),
    ).catch(() => undefined)
    const seen: string[] = []
    const takenOver = async () => {
      seen.push(...(await settle(store).then(({ changed }) => changed, String)))
      return seen.join()
    }
    await expect.poll(takenOver, { timeout: 60_000, interval: 500 }).toContain(`takes over from ${hanging}`)
    // The liveness probe ends what hangs, and it comes back as a copy.
    await settled(store, 300_000)
    expect(await masterOf()).not.toBe(hanging)
    const app = await client(store)
    expect(await app.get('kept')).toBe('2')
  })
}, 420_000)

/** Six pods want memory and time. */
describe.runIf(slow)(
  'three shards with a copy each',
  () => {
    let store: Store

    test('keep every key, and answer nearly all the time, while all pods are replaced one by one', async () => {
      store = await storeOf('many', { shards: 3, replicas: 2 })
      await apply(store)
      await settled(store)
      const app = await client(store)
      const keys = someKeys(600)
      await Promise.all(keys.map((key) => app.set(key, key)))

      const stop = new AbortController()
      const gaps = [0]
      const reader = (async () => {
        for (let index = 0; !stop.signal.aborted; index++) {
          const key = keys[index % keys.length] ?? ''
          const asked = performance.now()
          while ((await app.get(key).catch(() => undefined)) !== key) await sleep(20)
          gaps.push(performance.now() - asked)
          await sleep(5)
        }
      })()
      store = {
        ...store,
        plan: planOf('many', { shards: 3, replicas: 2, parameters: { 'tcp-backlog': '256' } }),
      }
      await apply(store)
      const updated = async () => {
        await settle(store).catch(() => undefined)
        const status = '--output=jsonpath={.status.updatedReplicas} {.status.availableReplicas}'
        return lab.kubectl('get', 'statefulset', 'many', status)
      }
      await expect.poll(updated, { timeout: 400_000, interval: 1_000 }).toBe('6 6')
      await settled(store)
      stop.abort()
      await reader
      expect(Math.max(...gaps)).toBeLessThan(10_000)
      expect(await Promise.all(keys.map((key) => app.get(key)))).toEqual(keys)
    })

    test('come back when all were replaced at once, and go down to fewer without losing a key', async () => {
      const app = await client(store)
      const keys = someKeys(600)
      await sleep(1_500)
      await lab.kubectl('delete', 'pods', '--selector=app.kubernetes.io/instance=many', '--force', '--grace-period=0')
      await settled(store)
      expect(await Promise.all(keys.map((key) => app.get(key)))).toEqual(keys)
      // As long as nobody approved it, all pods are there: what they have goes to those that stay.
      const plan = planOf('many', { shards: 2, replicas: 1, parameters: { 'tcp-backlog': '256' } })
      await settled({ ...store, plan: { ...plan, members: 6 } })
      const fewer = { ...store, plan }
      await apply(fewer)
      await settled(fewer)
      expect(await Promise.all(keys.map((key) => app.get(key)))).toEqual(keys)
      for (const pod of await pods(fewer)) {
        const nodes = String(await run(fewer, pod, 'CLUSTER NODES'))
        expect(nodes.trim().split('\n')).toHaveLength(2)
      }
    })
  },
  600_000,
)
