import { createHash } from 'node:crypto'
import type { KubeObject } from '../../../crds/object.ts'
import type { DataStore } from '../../../crds/schema/data-store.ts'
import { schemaOf, type StoreName } from '../../../crds/schema/platform-stores.ts'
import { endpointOf } from '../../data-store/endpoint.ts'
import { appRoles, databaseName, databaseOf, names as storeNames } from '../../data-store/names.ts'
import { imageOf } from '../../images.ts'
import { secretValue } from '../../secrets.ts'
import { isPooled } from '../children.ts'
import { names } from '../names.ts'
import { findPods, findSecret, pooledStores, type Context } from '../observe.ts'
import { poolingOf, storesOf } from '../profile.ts'
import type { Console } from './admin.ts'
import type { Backend, PoolerPlan } from './compile.ts'
import { readOnlyName } from './databases.ts'
import { poolerIdentity, poolerPort, poolerServerNames } from './objects.ts'
import type { Pooled } from './settings.ts'

/** @throws when the platform's CA is not there: a step before must have made it */
export function poolerPlan(context: Context): PoolerPlan {
  const { cluster, tools } = context
  const { name } = cluster.metadata
  const { images, registry } = cluster.spec
  const userlist = secretValue(findSecret(context, names.pooler(name)), 'userlist.txt') ?? ''
  const ca = authority(context)
  if (ca === undefined) throw new Error(`nothing tells the CA of the pooler of ${name}`)
  return {
    cluster,
    pooling: poolingOf(cluster),
    identity: poolerIdentity(cluster),
    image: imageOf(images.pgbouncer, tools.images['pgbouncer'], registry),
    backends: pooledStores(context).map((store) => backendOf(context, store)),
    authority: ca,
    fingerprint: createHash('sha256').update(ca).update(userlist).digest('hex'),
  }
}

/** @throws when nothing says any more how to reach the store: a store that is Ready has it */
export function backendOf({ namespace, tools }: Context, store: DataStore): Backend {
  const engine = tools.engines[store.spec.engine]
  if (!engine?.maxConnections) throw new Error(`engine ${store.spec.engine} cannot be pooled`)
  const { name } = store.metadata
  const endpoint = endpointOf(store, tools)
  if (!endpoint) throw new Error(`the Secret that says how to reach DataStore ${name} is gone or of no use`)
  const { database, host, port, ca } = endpoint
  const readOnlyHost = `${storeNames.readOnlyService(name)}.${namespace}.svc`
  return {
    database,
    host,
    ...(store.spec.replicas > 1 ? { readOnlyHost } : {}),
    port,
    ca,
    maxConnections: store.status?.maxConnections ?? engine.maxConnections(store),
    logins: appRoles(databaseOf(store.spec)),
  }
}

/** What `spec.pooling` may name. Only the database of an external store may be called otherwise than its schema says. */
export function pooledOf({ cluster, stores, tools }: Context): Pooled {
  const names = storesOf(cluster).filter(isPooled)
  const usualName = (name: StoreName) => databaseName(schemaOf(name) ?? name)
  const databases = names.map((name) => {
    const store = stores.get(name)
    return (store && endpointOf(store, tools)?.database) ?? usualName(name)
  })
  return {
    databases: databases.flatMap((database) => [database, readOnlyName(database)]),
    logins: names.flatMap((name) => appRoles(usualName(name))),
  }
}

export interface RunningPooler {
  pod: KubeObject
  console: Console
}

/** The pooler's pods that run, and how to reach the admin console of each: none without its password and the CA. */
export function runningPoolers(context: Context): RunningPooler[] {
  const pods = findPods(context, 'pooler').filter(isRunning)
  const { name } = context.cluster.metadata
  const password = secretValue(findSecret(context, names.pooler(name)), 'admin-password')
  const ca = authority(context)
  if (password === undefined || ca === undefined) return []
  const certificate = secretValue(findSecret(context, names.poolerTlsSecret(name)), 'tls.crt') ?? ''
  const [servername = ''] = poolerServerNames(context.cluster)
  return pods.map((pod) => {
    const host = (pod['status'] as { podIP?: string }).podIP ?? ''
    return { pod, console: { host, servername, port: poolerPort, password, ca, certificate } }
  })
}

function isRunning(pod: KubeObject): boolean {
  return !pod.metadata.deletionTimestamp && (pod['status'] as { phase?: string } | undefined)?.phase === 'Running'
}

/** PEM of the CA that the pooler is verified with: the platform's own, or what came with the issuer's certificate. */
function authority(context: Context): string | undefined {
  const { metadata, spec } = context.cluster
  return spec.tls.issuerRef
    ? secretValue(findSecret(context, names.poolerTlsSecret(metadata.name)), 'ca.crt')
    : secretValue(findSecret(context, names.caSecret(metadata.name)), 'tls.crt')
}
