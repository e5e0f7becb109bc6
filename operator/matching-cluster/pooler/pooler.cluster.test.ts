import { beforeAll, describe, expect, test } from 'vitest'
import { issueServerCertificate } from '../../certificates.ts'
import { createLab, operatorImage } from '../../testing/lab.ts'
import { withConnection } from '../../postgres-connection.ts'
import { answers, pause, resumeOthers, synchronize, type Console } from './admin.ts'
import { adminUser, compile, type PoolerPlan } from './compile.ts'
import { readOnlyName } from './databases.ts'
import { backend, replicated } from './fixture.ts'
import { poolerLab } from './lab.ts'
import { poolerObjects, poolerServerNames } from './objects.ts'
import { databaseSettings, userSettings } from './settings.ts'

/** A real PgBouncer, from our own objects, under Pod Security restricted. It has no database behind it. */
const lab = await createLab()
const pooler = await poolerLab(lab, await operatorImage('IMAGE_PGBOUNCER'))
const { authority, plan } = pooler
let pod: Console

beforeAll(async () => {
  await pooler.start(plan())
  pod = (await pooler.consoles())[0]!
})

const soon = () => AbortSignal.timeout(5_000)
const pods = () =>
  lab.kubectl('get', 'pods', '--output=jsonpath={.items[*].metadata.uid} {.items[*].status..restartCount}')

/** As the controller does it: the ConfigMap, then a change of the pod that makes kubelet refresh its volumes. */
async function change(wanted: PoolerPlan): Promise<string[]> {
  const seen: string[] = []
  await lab.apply(poolerObjects(wanted))
  await lab.kubectl('annotate', 'pods', '--all', '--overwrite', `hash=${compile(wanted).hash}`)
  await expect
    .poll(
      async () => {
        const why = await synchronize(pod, compile(wanted).effective, soon())
        if (why) seen.push(why)
        return why
      },
      { timeout: 100_000, interval: 1_000 },
    )
    .toBeUndefined()
  return seen
}

describe('a running pooler', () => {
  test('is in sync with what it was started with, and is not reloaded then', async () => {
    expect(await synchronize(pod, compile(plan()).effective, soon())).toBeUndefined()
    expect(await lab.kubectl('logs', 'deployment/demo-pooler')).not.toContain('RELOAD')
  })

  test('takes a changed setting by RELOAD: same pod, no restart, and back when it is gone', async () => {
    const before = await pods()
    const parameters = {
      default_pool_size: '7',
      query_timeout: '30.5',
      ignore_startup_parameters: 'options, search_path',
    }
    await change(plan({ parameters }))
    expect(await synchronize(pod, compile(plan()).effective, soon())).toMatch(
      /^(default_pool_size is "7", not "20"|query_timeout is "30.5", not "0"|ignore_startup_parameters is)/,
    )
    await change(plan())
    expect(await pods()).toBe(before)
  })

  test('takes settings of single databases and logins in the same way', async () => {
    const before = await pods()
    // Every setting there is: one that PgBouncer did not know would keep it from reading the file.
    const database = {
      pool_mode: 'session',
      pool_size: '9',
      reserve_pool_size: '2',
      max_db_connections: '12',
      max_db_client_connections: '50',
      server_lifetime: '60',
    }
    const user = {
      pool_mode: 'transaction',
      pool_size: '3',
      reserve_pool_size: '1',
      max_user_connections: '4',
      max_user_client_connections: '40',
      query_timeout: '15',
      idle_transaction_timeout: '20',
      client_idle_timeout: '30',
    }
    expect([Object.keys(database), Object.keys(user)].map((names) => names.sort())).toEqual(
      [databaseSettings, userSettings].map((table) => Object.keys(table).sort()),
    )
    const wanted = plan({ databases: { supersmartmatch_core: database }, users: { supersmartmatch_core_app_a: user } })
    await change(wanted)
    expect(await synchronize(pod, compile(plan()).effective, soon())).toBe(
      'pool_mode of database supersmartmatch_core is session, not unset',
    )
    await change(plan())
    expect(await synchronize(pod, compile(wanted).effective, soon())).toMatch(/of database supersmartmatch_core is/)
    expect(await pods()).toBe(before)
  })

  test('takes the settings of a login back, also those that it never shows', async () => {
    const hidden = plan({ users: { supersmartmatch_core_app_b: { query_timeout: '15' } } })
    await change(hidden)
    expect(await synchronize(pod, compile(plan()).effective, soon())).toBe('still runs an earlier pgbouncer.ini')
    await change(plan())
    const shown = plan({ users: { supersmartmatch_core_app_b: { max_user_connections: '4' } } })
    expect(await synchronize(pod, compile(shown).effective, soon())).toBe(
      'max_user_connections of login supersmartmatch_core_app_b is 0, not 4',
    )
  })

  test('reads from replicas once there are some', async () => {
    await change(plan({}, [replicated]))
    expect(await synchronize(pod, compile(plan()).effective, soon())).toMatch(/of database supersmartmatch_core\S* is/)
    await change(plan())
  })

  test('takes the database of an external store, in its own spelling, and pauses it', async () => {
    const external = { ...backend, database: 'My-db.2', host: "it's" }
    await change(plan({}, [external]))
    expect(await pause(pod, [external.database], soon())).toBeUndefined()
    expect(await resumeOthers(pod, [], [readOnlyName(external.database)], soon())).toBeUndefined()
    await change(plan())
  })

  test('is not in sync with a database it does not have, nor with one that should be gone', async () => {
    const [backend] = plan().backends
    const more = {
      ...plan(),
      backends: [...plan().backends, { ...backend!, host: 'demo-geo', database: 'supersmartmatch_geo', logins: [] }],
    }
    expect(await synchronize(pod, compile(more).effective, soon())).toBe('database supersmartmatch_geo is missing')
    const none = { ...plan(), backends: [] }
    expect(await synchronize(pod, compile(none).effective, soon())).toBe('database supersmartmatch_core is still there')
    const moved = { ...plan(), backends: [{ ...backend!, host: 'elsewhere' }] }
    expect(await synchronize(pod, compile(moved).effective, soon())).toBe(
      `host of database supersmartmatch_core is demo-core.${lab.namespace}.svc, not elsewhere`,
    )
  })

  test('still shows another certificate than the Secret holds', async () => {
    const renewed = await issueServerCertificate(authority, poolerServerNames(plan().cluster), new Date())
    const why = await synchronize({ ...pod, certificate: renewed.certificate }, compile(plan()).effective, soon())
    expect(why).toBe('still shows its previous certificate')
  })

  test.each([
    ['a wrong password', () => ({ password: 'wrong' }), /^admin console: .*(authentication|password)/],
    ['a certificate of another name', () => ({ servername: 'evil' }), /^admin console: .*does not match certificate/],
  ])('%s is said, not thrown', async (_name, change, message) => {
    expect(await synchronize({ ...pod, ...change() }, compile(plan()).effective, soon())).toMatch(message)
  })

  test('says that a client gets no answer while its database is unreachable', async () => {
    const login = { username: 'supersmartmatch_core_app_a', password: 'secret', database: 'supersmartmatch_core' }
    const target = { host: pod.host, port: pod.port, serverName: pod.servername, ca: pod.ca, ...login }
    const why = await answers(target, soon())
    expect(why).toBeTypeOf('string')
    expect(why).not.toContain('secret')
  })

  test('ends within seconds although a client stays connected', async () => {
    const { servername: serverName, ...rest } = pod
    const client = { ...rest, serverName, username: adminUser, database: 'pgbouncer' }
    const left = withConnection(client, AbortSignal.timeout(50_000), async () => {
      const started = performance.now()
      await lab.kubectl('delete', 'pods', '--selector=app.kubernetes.io/component=pooler', '--timeout=45s')
      return performance.now() - started
    })
    // 3 s for the Service to forget the pod, and the rest; the grace period would be 60 s.
    expect(await left).toBeLessThan(20_000)
  })
})
