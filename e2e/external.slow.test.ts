import { afterAll, beforeAll, expect, test } from 'vitest'
import { kubectl } from './harness/kubectl.ts'
import { list, read, until } from './harness/objects.ts'
import {
  applyPlatform,
  dataStore,
  ofPlatform,
  podKind,
  removePlatform,
  secretData,
  whenAnswering,
  whenReady,
} from './harness/platform.ts'

/** A platform on a PostgreSQL that it does not run: another platform’s, whose operator looks away. */
const server = 'k8'
const name = 'k9'
const reference = 'k9-given'

beforeAll(async () => {
  await removePlatform(name)
  await removePlatform(server)
  await applyPlatform(server)
  await whenReady(server)
  // Nobody else may set the passwords of the roles that both platforms would have.
  await kubectl(['patch', 'mc', server, '--type=merge', '--patch={"spec":{"paused":true}}'])
  await kubectl(['patch', 'store', `${server}-core`, '--type=merge', '--patch={"spec":{"paused":true}}'])
})
afterAll(async () => {
  await removePlatform(name)
  await removePlatform(server)
  await kubectl(['delete', 'secret', reference, '--ignore-not-found'])
})

test('an external core store is probed, migrated, pooled and bound, without a pod of its own', async () => {
  const { username = '', password = '' } = await secretData(`${server}-core-superuser`)
  const ca = (await secretData(`${server}-core-tls`))['ca.crt'] ?? ''
  const host = `${server}-core.supersmartmatch.svc`
  const literals = { PGHOST: host, port: '5432', login: username, secret: password, 'ca.pem': ca }
  const arguments_ = Object.entries(literals).map(([key, value]) => `--from-literal=${key}=${value}`)
  await kubectl(['delete', 'secret', reference, '--ignore-not-found'])
  await kubectl(['create', 'secret', 'generic', reference, ...arguments_])
  await kubectl(['label', 'secret', reference, 'app.kubernetes.io/managed-by=supersmartmatch-operator'])
  const keys = { host: 'PGHOST', username: 'login', password: 'secret', ca: 'ca.pem' }
  const spec = {
    stores: { core: { mode: 'external', connectionSecretRef: { name: reference, keys } } },
    pooling: { resources: { cpu: '20m', memory: '32Mi' } },
    services: { core: { resources: { cpu: '20m', memory: '128Mi' } } },
  }
  const cluster = { apiVersion: 'supersmartmatch.io/v1alpha1', kind: 'MatchingCluster', metadata: { name }, spec }
  await kubectl(['apply', '--filename=-'], JSON.stringify(cluster))
  await whenReady(name)
  await whenAnswering(name)
  expect(await list(podKind, `${ofPlatform(name)},app.kubernetes.io/component=database`)).toEqual([])
  expect((await secretData(`${name}-core-owner`))['host']).toBe(host)
})

test('a key that is missing is named', async () => {
  await kubectl(['patch', 'secret', reference, '--type=json', '--patch=[{"op":"remove","path":"/data/secret"}]'])
  await until(90_000, async () => {
    const status = JSON.stringify((await read(dataStore, `${name}-core`))?.['status'])
    return status.includes('ConnectionInvalid') && status.includes(reference) ? {} : status
  })
})
