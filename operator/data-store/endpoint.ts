import type { DataStore } from '../../crds/schema/data-store.ts'
import { currentAuthority } from '../credentials.ts'
import { secretValue } from '../secrets.ts'
import { connectionOf, type ConnectionResult } from './connection.ts'
import type { Engine } from '../engines/engine.ts'
import type { Cache } from '../kube/cache.ts'
import { databaseOf, names } from './names.ts'
import type { Tools } from './observe.ts'

/** Where a store's primary answers, managed or external. */
export interface Endpoint {
  host: string
  port: number
  database: string
  /** PEM; the server's certificate must verify against it for `host`. */
  ca: string
}

const secretKind = { apiVersion: 'v1', kind: 'Secret' }

/** Undefined while the Secret that says so is missing or of no use; the store's DependenciesReady tells what is wrong. */
export function endpointOf(store: DataStore, tools: Pick<Tools, 'cache' | 'engines' | 'given'>): Endpoint | undefined {
  if (store.spec.mode === 'external') {
    const connection = connectionFor(store, tools)
    return connection?.kind === 'found' ? connection.target : undefined
  }
  const { name, namespace = '' } = store.metadata
  const ca = trustedFor(store, tools.cache)
  const engine = tools.engines[store.spec.engine]
  if (ca === undefined || engine === undefined) return undefined
  return {
    host: `${names.readWriteService(name)}.${namespace}.svc`,
    port: engine.port,
    database: databaseFor(store, engine),
    ca,
  }
}

/**
 * PEM of the CA that the servers of a managed store are verified with: of the Secret that the spec names or defaults to. An issuer's
 * comes with the certificate that they show; until its first one they show what they had.
 */
export function authorityFor({ metadata, spec }: DataStore, cache: Pick<Cache, 'get'>): string | undefined {
  const { name, namespace = '' } = metadata
  const { caSecret, issuerRef } = spec.tls
  return issuerRef
    ? currentAuthority(cache.get(secretKind, namespace, names.tlsSecret(name)))
    : secretValue(cache.get(secretKind, namespace, caSecret ?? names.caSecret(name)), 'tls.crt')
}

/** The same, and the CA before it as long as a server shows a certificate of that one. */
export const trustedFor = (store: DataStore, cache: Pick<Cache, 'get'>): string | undefined => {
  const { name, namespace = '' } = store.metadata
  return secretValue(cache.get(secretKind, namespace, names.tlsSecret(name)), 'ca.crt') ?? authorityFor(store, cache)
}

/** The database of the schema, or what the engine has in its place. */
export const databaseFor = (store: DataStore, engine: Engine): string =>
  engine.database?.(store) ?? databaseOf(store.spec)

/** What the Secret of an external store says; undefined when there is none that the operator sees. */
export function connectionFor(
  store: DataStore,
  { given, engines }: Pick<Tools, 'given' | 'engines'>,
): ConnectionResult | undefined {
  const { metadata, spec } = store
  const { namespace = '' } = metadata
  const reference = spec.connectionSecretRef
  const secret = reference && given.get(namespace, reference.name)
  const engine = engines[spec.engine]
  if (!reference || !secret || !engine) return undefined
  const authority = reference.caSecret && given.get(namespace, reference.caSecret.name)
  const { port, uriSchemes } = engine
  return connectionOf(reference, { secret, authority }, { port, uriSchemes, database: databaseFor(store, engine) })
}
