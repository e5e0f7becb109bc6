import { createHash } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { checkServerIdentity } from 'node:tls'
import pg from 'pg'
import { expect } from 'vitest'
import { bindingKeys, type Binding, type BindingRole } from '../../crds/binding.ts'
import type { Condition, ConditionType } from '../../crds/conditions.ts'
import type { KubeObject } from '../../crds/object.ts'
import { storeNames } from '../../crds/schema/platform-stores.ts'
import { coreAlone } from '../../operator/testing/platform.ts'
import { remove } from './case.ts'
import { kubectl } from './kubectl.ts'
import { config, list, namespace, read, until, type Kind } from './objects.ts'
import { forward } from '../../operator/testing/port-forward.ts'

/*
 * A MatchingCluster of a test's own, named in each call. Little is requested, so that it fits beside the sample on a node
 * with two cores.
 */

const apiVersion = 'supersmartmatch.io/v1alpha1'
export const matchingCluster: Kind = { apiVersion, kind: 'MatchingCluster' }
export const dataStore: Kind = { apiVersion, kind: 'DataStore' }
const secretKind: Kind = { apiVersion: 'v1', kind: 'Secret' }
export const podKind: Kind = { apiVersion: 'v1', kind: 'Pod' }
const claimKind: Kind = { apiVersion: 'v1', kind: 'PersistentVolumeClaim' }

const readyLimitMs = 300_000

/**
 * A platform with the core store alone.
 * @param core  fields of spec.stores.core
 * @param more  fields of spec
 */
export async function applyPlatform(name: string, core: object = {}, more: object = {}): Promise<void> {
  await kubectl(['apply', '--filename=-'], JSON.stringify(platform(name, core, more)))
}

/** The same, for somebody else to apply. */
export function platform(name: string, core: object = {}, more: object = {}): KubeObject {
  const small = { storage: { size: '512Mi' }, resources: { cpu: '50m', memory: '256Mi', memoryLimit: '512Mi' } }
  const spec = {
    stores: { ...coreAlone, core: { ...small, ...core } },
    pooling: { resources: { cpu: '20m', memory: '32Mi' } },
    services: { core: { resources: { cpu: '20m', memory: '128Mi' } } },
    ...more,
  }
  return { ...matchingCluster, metadata: { name }, spec }
}

/**
 * With its volume and Secrets, and what Patroni remembers of them, which has no owner, either. A stopping Patroni may write its
 * Endpoints again after the Service which they go with is gone.
 */
export async function removePlatform(name: string): Promise<void> {
  await remove({ ...matchingCluster, metadata: { name } })
  await forgetMembers(storeNames.map((store) => `${name}-${store}`))
}

/** Of a DataStore of a test's own. */
export async function removeStore(name: string): Promise<void> {
  await remove({ ...dataStore, metadata: { name } })
  await forgetMembers([name])
}

async function forgetMembers(stores: string[]): Promise<void> {
  await kubectl(['delete', 'services,endpoints', `--selector=app.kubernetes.io/instance in (${stores.join()})`])
}

/** Waits until it is Ready for the spec it has now. @throws when it is not in time, or Stalled: nobody will help it */
export async function whenReady(name: string, kind = matchingCluster, limitMs = readyLimitMs): Promise<void> {
  await until(limitMs, async () => {
    const object = await read(kind, name)
    if (!object) return `${kind.kind} ${name} does not exist`
    const now = (type: ConditionType) => {
      const found = conditionOf(object, type)
      return found?.observedGeneration === object.metadata.generation ? found : undefined
    }
    const stalled = now('Stalled')
    if (stalled) throw new Error(`${kind.kind} ${name} is stalled: ${stalled.message}`)
    const ready = now('Ready')
    return ready?.status === 'True' ? object : `not Ready: ${ready?.message ?? 'not looked at yet'}`
  })
}

export function conditionOf(object: KubeObject | undefined, type: ConditionType): Condition | undefined {
  const status = object?.['status'] as { conditions?: Condition[] } | undefined
  return status?.conditions?.find((condition) => condition.type === type)
}

/** Selects everything of one platform, its stores' included. */
export const ofPlatform = (name: string) => `supersmartmatch.io/cluster=${name}`

/** Name of the pod that is primary of the core store now, as Patroni notes it: a pod that vanished keeps its labels. */
export async function primaryOf(name: string): Promise<string> {
  const { leader } = await until(60_000, async () => {
    const endpoints = await read({ apiVersion: 'v1', kind: 'Endpoints' }, `${name}-core`)
    const leader = endpoints?.metadata.annotations?.['leader']
    return leader ? { leader } : `no member of ${name}-core leads`
  })
  return leader
}

// --- database ---------------------------------------------------------------------------------------------------------------

/** Runs SQL as superuser in the primary's pod; resolves to the rows, columns separated by `|`. */
export async function superuser(name: string, sql: string): Promise<string> {
  const psql = [
    'psql',
    '--username=postgres',
    '--dbname=supersmartmatch_core',
    '--no-psqlrc',
    '--tuples-only',
    '--no-align',
  ]
  const command = [...psql, '--set=ON_ERROR_STOP=1', `--command=${sql}`]
  const pod = await primaryOf(name)
  return (await kubectl(['exec', pod, '--container=postgres', '--', ...command])).trim()
}

export const binding = (name: string, role: BindingRole) => bindingOf(`${name}-core`, role)

export async function bindingOf(store: string, role: BindingRole): Promise<Binding> {
  const data = await secretData(`${store}-${role}`)
  return Object.fromEntries(bindingKeys.map((key) => [key, data[key] ?? ''])) as Binding
}

export async function secretData(name: string): Promise<Record<string, string>> {
  const data = ((await read(secretKind, name))?.['data'] ?? {}) as Record<string, string>
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]))
}

/**
 * Connects as a client with this binding would: TLS verified for CA and host name, only that the way leads to the given pod: see
 * operator/testing/port-forward.ts. Dispose to disconnect.
 */
export async function connect(
  login: Pick<Binding, 'host' | 'port' | 'database' | 'username' | 'password' | 'ca.crt'>,
  pod: string,
) {
  const server = await forward(config, namespace, pod, Number(login.port))
  const client = new pg.Client({
    host: '127.0.0.1',
    port: (server.address() as AddressInfo).port,
    database: login.database,
    user: login.username,
    password: login.password,
    connectionTimeoutMillis: 10_000,
    ssl: { ca: login['ca.crt'], checkServerIdentity: (_host, peer) => checkServerIdentity(login.host, peer) },
  })
  client.on('error', () => undefined)
  const close = async () => {
    await client.end().catch(() => undefined)
    server.close()
  }
  await client.connect().catch(async (error: unknown) => {
    await close()
    throw error
  })
  return { query: (sql: string) => client.query<Record<string, string>>(sql), [Symbol.asyncDispose]: close }
}

/** Puts known rows in, as the owner: `users` takes them only in the role of the functions that write it. */
export async function seed(name: string, label: string, count: number): Promise<void> {
  await using owner = await connect(await binding(name, 'owner'), await primaryOf(name))
  await owner.query(`
    BEGIN;
    INSERT INTO skills_taxonomy (skill_name, category) SELECT '${label} ' || n, 'tool' FROM generate_series(1, ${count}) n;
    SET LOCAL ROLE matching_definer;
    INSERT INTO users (email, password_hash, user_type)
      SELECT '${label}-' || n || '@example.org', 'none', 'candidate' FROM generate_series(1, ${count}) n;
    COMMIT`)
}

/** Number of rows and a checksum of every value in them. */
async function checksum(name: string): Promise<string> {
  const rows = ['users', 'skills_taxonomy', 'outbox_events', 'migrations.schema_migrations'].map(
    (table) => `SELECT '${table}' || t::text AS line FROM ${table} t`,
  )
  return superuser(
    name,
    `SELECT count(*), md5(string_agg(line, E'\\n' ORDER BY line)) FROM (${rows.join(' UNION ALL ')})`,
  )
}

/** Waits until the core service says that it reaches its database, which it does through the pooler. */
export async function whenAnswering(name: string): Promise<void> {
  const path = `/api/v1/namespaces/${namespace}/services/${name}-core-api:http/proxy/readyz`
  await until(60_000, async () => {
    const answer = await kubectl(['get', '--raw', path]).catch((error: unknown) => String(error))
    return answer.includes('"ok"') ? { answer } : `the core service does not answer: ${answer}`
  })
}

// --- what must stay ---------------------------------------------------------------------------------------------------------

/** What no fault may change: the data, the volume, and whatever opens it. */
export async function identityOf(name: string) {
  const claim = await read(claimKind, `data-${name}-core-0`)
  return {
    data: await checksum(name),
    systemIdentifier: await superuser(name, 'SELECT system_identifier FROM pg_control_system()'),
    ...(await kept(name)),
    volume: (claim?.['spec'] as { volumeName?: string } | undefined)?.volumeName,
  }
}

/** Volume claims and Secrets by name: uid, and of a Secret a digest of its values. */
export async function kept(name: string) {
  const claims = await list(claimKind, ofPlatform(name))
  const secrets = await list(secretKind, ofPlatform(name))
  return {
    claims: Object.fromEntries(claims.map(({ metadata }) => [metadata.name, metadata.uid])),
    secrets: Object.fromEntries(
      secrets.map((secret) => [secret.metadata.name, `${secret.metadata.uid} ${digest(secret['data'])}`]),
    ),
  }
}

function digest(data: unknown): string {
  const entries = Object.entries(data as Record<string, string>).sort(([a], [b]) => a.localeCompare(b))
  return createHash('sha256').update(JSON.stringify(entries)).digest('hex')
}

// --- what must be there exactly once ----------------------------------------------------------------------------------------

const ownedKinds: Kind[] = [
  dataStore,
  { apiVersion: 'v1', kind: 'ConfigMap' },
  secretKind,
  { apiVersion: 'v1', kind: 'Service' },
  { apiVersion: 'v1', kind: 'ServiceAccount' },
  claimKind,
  { apiVersion: 'apps/v1', kind: 'StatefulSet' },
  { apiVersion: 'apps/v1', kind: 'Deployment' },
  // One each, or a template was changed that nobody asked to change.
  { apiVersion: 'apps/v1', kind: 'ControllerRevision' },
  { apiVersion: 'apps/v1', kind: 'ReplicaSet' },
  { apiVersion: 'batch/v1', kind: 'Job' },
  { apiVersion: 'networking.k8s.io/v1', kind: 'NetworkPolicy' },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'Role' },
  { apiVersion: 'rbac.authorization.k8s.io/v1', kind: 'RoleBinding' },
]

/** Every object of a platform but its pods. */
export const owned = (name: string) => ownedWith(ofPlatform(name))

/** Every object but pods with these labels. */
export async function ownedWith(labels: string): Promise<KubeObject[]> {
  const found = await Promise.all(
    ownedKinds.map(async (kind) => (await list(kind, labels)).map((object) => ({ ...object, ...kind }))),
  )
  return found.flat()
}

/** Their names end in a digest, of one to ten characters: a short one is rare, and still a digest. */
const digestNamed = ['ControllerRevision', 'ReplicaSet', 'Job']

/** `Kind/name` of every object of a platform, without the platform's name and without generated suffixes. */
export async function inventory(name: string): Promise<string[]> {
  const objects = await owned(name)
  return objects.map(({ kind, metadata }) => `${kind}/${general(kind, metadata.name.replace(name, '*'))}`).sort()
}

const general = (kind: string, name: string) => (digestNamed.includes(kind) ? name.replace(/-[^-]+$/, '-#') : name)

/** The inventory of a platform that came up without a fault, `#` being a generated suffix. */
export const wholeInventory = [
  'ConfigMap/*-core-patroni',
  'ConfigMap/*-pooler',
  'ControllerRevision/*-core-#',
  'DataStore/*-core',
  'Deployment/*-core-api',
  'Deployment/*-pooler',
  'Job/*-core-migrate-#',
  'NetworkPolicy/*-core',
  'NetworkPolicy/*-core-api',
  'NetworkPolicy/*-core-migrate',
  'NetworkPolicy/*-pooler',
  'PersistentVolumeClaim/data-*-core-0',
  'ReplicaSet/*-core-api-#',
  'ReplicaSet/*-pooler-#',
  'Role/*-core',
  'RoleBinding/*-core',
  'Secret/*-ca',
  'Secret/*-core-app',
  'Secret/*-core-monitoring',
  'Secret/*-core-owner',
  'Secret/*-core-pooler',
  'Secret/*-core-replication',
  'Secret/*-core-superuser',
  'Secret/*-core-tls',
  'Secret/*-pooler',
  'Secret/*-pooler-tls',
  'Secret/*-tokens',
  'Service/*-core',
  'Service/*-core-api',
  'Service/*-core-config',
  'Service/*-core-headless',
  'Service/*-core-ro',
  'Service/*-core-sync',
  'Service/*-pooler',
  'ServiceAccount/*-core',
  'StatefulSet/*-core',
]

/** Kubernetes collects what an earlier platform of the name owned in its own time. */
export async function expectWholeInventory(name: string): Promise<void> {
  await expect.poll(() => inventory(name), { timeout: 60_000, interval: 1_000 }).toEqual(wholeInventory)
}

/** Migrations in the ledger, each once, against what the operator says is applied. @throws naming the difference */
export async function ledgerProblem(name: string): Promise<string | undefined> {
  const store = await read(dataStore, `${name}-core`)
  const schema = (store?.['status'] as { schema?: { version: number; digest: string } } | undefined)?.schema
  const lines = await superuser(
    name,
    `SELECT lpad(version::text, 6, '0') || ' ' || name || ' ' || checksum FROM migrations.schema_migrations ORDER BY version`,
  )
  const applied = lines.split('\n')
  const found = createHash('sha256').update(`${lines}\n`).digest('hex')
  if (applied.length !== schema?.version) return `${applied.length} migrations in the ledger, not ${schema?.version}`
  return found === schema.digest ? undefined : `other migrations in the ledger than the operator's: ${lines}`
}
