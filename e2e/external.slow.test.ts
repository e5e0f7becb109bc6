import { afterAll, beforeAll, expect, test } from 'vitest'
import { externalServer, type ExternalServer } from '../operator/testing/external-server.ts'
import { operatorImage } from '../operator/testing/lab.ts'
import { coreAlone } from '../operator/testing/platform.ts'
import { kubectl } from './harness/kubectl.ts'
import { list, namespace, read, until } from './harness/objects.ts'
import {
  dataStore,
  kept,
  ofPlatform,
  podKind,
  removePlatform,
  secretData,
  whenAnswering,
  whenReady,
} from './harness/platform.ts'

/** A platform on a PostgreSQL that nobody here runs. */
const serverName = 'k8'
const name = 'k9'
const reference = 'k9-given'
const host = `${serverName}.${namespace}.svc`
let server: ExternalServer

const removeServer = () =>
  kubectl(['delete', 'pod,service,secret', serverName, '--ignore-not-found', '--grace-period=1'])

beforeAll(async () => {
  await removePlatform(name)
  await removeServer()
  server = await externalServer(serverName, namespace, await operatorImage('IMAGE_POSTGRES'), [host])
  const objects = { apiVersion: 'v1', kind: 'List', items: server.objects }
  await kubectl(['apply', '--filename=-'], JSON.stringify(objects))
  await kubectl(['wait', '--for=condition=Ready', `pod/${serverName}`, '--timeout=120s'])
})
afterAll(async () => {
  await removePlatform(name)
  await removeServer()
  await kubectl(['delete', 'secret', reference, '--ignore-not-found'])
})

test('an external core store is probed, set up, migrated, pooled and bound, without a pod of its own', async () => {
  const literals = { PGHOST: host, port: '5432', login: 'postgres', secret: server.password, 'ca.pem': server.ca }
  const arguments_ = Object.entries(literals).map(([key, value]) => `--from-literal=${key}=${value}`)
  await kubectl(['delete', 'secret', reference, '--ignore-not-found'])
  await kubectl(['create', 'secret', 'generic', reference, ...arguments_])
  await kubectl(['label', 'secret', reference, 'app.kubernetes.io/managed-by=supersmartmatch-operator'])
  const keys = { host: 'PGHOST', username: 'login', password: 'secret', ca: 'ca.pem' }
  const spec = {
    stores: { ...coreAlone, core: { mode: 'external', connectionSecretRef: { name: reference, keys } } },
    pooling: { resources: { cpu: '20m', memory: '32Mi' } },
    services: { core: { resources: { cpu: '20m', memory: '128Mi' } } },
    deletionPolicy: 'Delete',
  }
  const cluster = { apiVersion: 'supersmartmatch.io/v1alpha1', kind: 'MatchingCluster', metadata: { name }, spec }
  await kubectl(['apply', '--filename=-'], JSON.stringify(cluster))
  await whenReady(name)
  await whenAnswering(name)
  expect(await list(podKind, `${ofPlatform(name)},app.kubernetes.io/component=database`)).toEqual([])
  expect((await secretData(`${name}-core-owner`))['host']).toBe(host)
  // Its 60 connections less 20, for one pod and another that a rollout starts.
  const ini = await kubectl(['get', 'configmap', `${name}-pooler`, '--output=jsonpath={.data.pgbouncer\\.ini}'])
  const limits = [...ini.matchAll(/ max_db_connections=(\d+)/g)].map(([, limit]) => Number(limit))
  expect(limits.reduce((sum, limit) => sum + limit, 0)).toBe(20)
})

test('a key that is missing is named, and brought back it is found', async () => {
  const value = Buffer.from(server.password).toString('base64')
  await kubectl(['patch', 'secret', reference, '--type=json', '--patch=[{"op":"remove","path":"/data/secret"}]'])
  await until(90_000, async () => {
    const status = JSON.stringify((await read(dataStore, `${name}-core`))?.['status'])
    return status.includes('ConnectionInvalid') && status.includes('key secret is missing') ? {} : status
  })
  await kubectl([
    'patch',
    'secret',
    reference,
    '--type=merge',
    `--patch=${JSON.stringify({ data: { secret: value } })}`,
  ])
  await until(30_000, async () => {
    const status = JSON.stringify((await read(dataStore, `${name}-core`))?.['status'])
    return status.includes('ConnectionInvalid') ? status : {}
  })
  await whenReady(name)
})

test('deletionPolicy Delete takes the operator’s Secrets, and drops nothing in the database', async () => {
  await kubectl(['delete', 'mc', name, '--timeout=120s'])
  await expect.poll(() => kept(name), { timeout: 60_000 }).toEqual({ claims: {}, secrets: {} })
  expect(await secretData(reference)).toMatchObject({ PGHOST: host })
  const sql = 'SELECT count(*) FROM migrations.schema_migrations'
  const psql = `PGPASSWORD=$(cat /server/password) psql -h 127.0.0.1 -U postgres -d supersmartmatch_core -tAc "${sql}"`
  expect(Number(await kubectl(['exec', serverName, '--', 'sh', '-c', psql]))).toBeGreaterThan(10)
})
