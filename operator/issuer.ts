import type { KubeObject } from '../crds/object.ts'
import { certManager } from '../crds/schema/common.ts'
import type { DataStoreSpec } from '../crds/schema/data-store.ts'
import { fingerprint, whyUnfit } from './certificates.ts'
import { tlsType, trusted, waitFor, writeSecret, type OthersInUse, type SecretMetadata } from './credentials.ts'
import { withOwner, type Applier } from './kube/apply.ts'
import type { Cache } from './kube/cache.ts'
import { hasStatus, KubeError, type KubeClient } from './kube/client.ts'
import { managedBy } from './labels.ts'
import type { Outcome } from './reconcile/outcome.ts'
import { secretValue } from './secrets.ts'

/*
 * Server certificates that cert-manager has an issuer sign:
 *
 * 1. A Certificate asks for it. cert-manager makes it, and renews it, in a Secret of its own, which carries our labels, so the watch
 *    of Secrets tells of it; Certificates are only read here, for a watch of a kind that is not installed would never begin.
 * 2. What is in that Secret is looked at as a client would. Only what can be verified goes on into the Secret that the pods mount:
 *    an issuer that gives something else harms nothing that runs.
 */

export type IssuerRef = NonNullable<DataStoreSpec['tls']['issuerRef']>

interface Tools {
  client: KubeClient
  applier: Applier
  cache: Cache
  now: () => Date
}

interface Request {
  owner: KubeObject
  issuer: IssuerRef
  /** The Secret that pods mount; the Certificate has its name. */
  tls: SecretMetadata
  /** Name of the Secret that cert-manager writes. */
  issuedSecret: string
  dnsNames: string[]
  othersInUse?: OthersInUse
}

const apiVersion = `${certManager}/v1`
const certificateKind = { apiVersion, kind: 'Certificate' }
const secretKind = { apiVersion: 'v1', kind: 'Secret' }

/** As those of the operator's own CA. An issuer may have its own opinion of it. */
const validity = { duration: '2160h', renewBefore: '720h' }

/** Nothing tells that cert-manager, or an issuer of it, is there at last. */
const unwatchedMs = 30_000
const pendingMs = 5_000
/** A renewal may fail and be tried again. */
const overdueMs = 86_400_000

/**
 * Brings the issuer's certificate into the Secret that pods mount. `issued` hears why it changed.
 * @returns undefined when it is there; else why not, with goOn when the one that is there serves meanwhile; a warning when it should
 *          have been renewed
 */
export async function ensureIssuedCertificate(
  tools: Tools,
  request: Request,
  issued: (why: string) => void,
): Promise<Outcome | undefined> {
  const trouble = await bring(tools, request, issued)
  if (!trouble || trouble.kind === 'done' || trouble.kind === 'asleep' || trouble.kind === 'warn') return trouble
  const { tls, dnsNames } = request
  const current = tools.cache.get(secretKind, tls.namespace, tls.name)
  return unfit(current, dnsNames, tools.now()) ? trouble : { ...trouble, goOn: true }
}

async function bring(tools: Tools, request: Request, issued: (why: string) => void): Promise<Outcome | undefined> {
  const { tls, issuedSecret, issuer, dnsNames } = request
  const result = await applyCertificate(tools, request)
  if (result.kind === 'notInstalled') {
    const message = `spec.tls.issuerRef names ${named(issuer)}, but cert-manager is not installed in this cluster (it has no ${apiVersion}): install it, or take issuerRef away to have the operator's own CA`
    return { kind: 'blocked', reason: 'IssuerUnavailable', message, retryAfterMs: unwatchedMs }
  }
  if (result.kind === 'denied') {
    const message = `Certificate ${tls.name} cannot be asked for: ${result.message}`
    return { kind: 'wait', reason: 'IssuerUnavailable', message, retryAfterMs: unwatchedMs }
  }
  if (result.kind === 'refused') return waitFor(result)
  // Not the cache: an answer about the Certificate may be newer than it.
  const found = await tools.client.get(secretKind, tls.namespace, issuedSecret)
  if (!found || !isFrom(issuer, found)) return pending(tools, request, result.object)
  const why = unfit(found, dnsNames, tools.now())
  if (why && !isReady(result.object)) return pending(tools, request, result.object)
  if (why) {
    const message = `${named(issuer)} in spec.tls.issuerRef gives a certificate that cannot be used: ${why}; docs/certificates.md says which issuers can`
    return { kind: 'blocked', reason: 'CertificateUnusable', message, retryAfterMs: unwatchedMs }
  }
  return (await take(tools, request, found, issued)) ?? overdue(tools, request, result.object)
}

/** Its issuer may fail for weeks while the certificate still serves: somebody should know before it ends. */
function overdue({ now }: Tools, { issuer, tls }: Request, certificate: KubeObject): Outcome | undefined {
  const { renewalTime, notAfter } = (certificate['status'] ?? {}) as { renewalTime?: string; notAfter?: string }
  if (!renewalTime || now().getTime() < Date.parse(renewalTime) + overdueMs) return undefined
  const why = failure(certificate)
  const message = `Certificate ${tls.name} was to be renewed by ${named(issuer)} at ${renewalTime} and is not; it ends at ${notAfter}${why ? `: ${why}` : ''}`
  return { kind: 'warn', reason: 'CertificatePending', message, retryAfterMs: overdueMs / 24 }
}

async function take(tools: Tools, { tls, othersInUse }: Request, found: KubeObject, issued: (why: string) => void) {
  const current = tools.cache.get(secretKind, tls.namespace, tls.name)
  const pair = Object.fromEntries(['tls.crt', 'tls.key'].map((key) => [key, secretValue(found, key) ?? '']))
  const values = { ...pair, ...trusted(secretValue(found, 'ca.crt') ?? '', current, tools.now(), othersInUse) }
  const before = secretValue(current, 'tls.crt')
  const refused = await writeSecret(tools, tls, values, tlsType)
  const isNew = !before || fingerprint(before) !== fingerprint(pair['tls.crt'] ?? '')
  if (!refused && isNew) issued(before ? 'the issuer gave another' : 'there was none')
  return refused
}

function unfit(secret: KubeObject | undefined, dnsNames: string[], now: Date): string | undefined {
  const [certificate = '', key = ''] = [secretValue(secret, 'tls.crt'), secretValue(secret, 'tls.key')]
  return whyUnfit({ certificate, key }, secretValue(secret, 'ca.crt') ?? '', dnsNames, now)
}

const named = ({ kind, name, group }: IssuerRef) => `${kind} ${name}${group === certManager ? '' : ` of ${group}`}`

/** cert-manager notes it on the Secret: what an issuer before this one signed is not meant. */
function isFrom({ name, kind, group }: IssuerRef, { metadata }: KubeObject): boolean {
  const of = (what: string) => metadata.annotations?.[`${certManager}/issuer-${what}`]
  return of('name') === name && of('kind') === kind && of('group') === group
}

// --- the Certificate --------------------------------------------------------------------------------------------------------

async function applyCertificate({ applier }: Tools, { owner, issuer, tls, issuedSecret, dnsNames }: Request) {
  const [commonName = ''] = dnsNames
  const spec = {
    secretName: issuedSecret,
    secretTemplate: { labels: tls.labels },
    dnsNames,
    ...(commonName.length <= 64 ? { commonName } : {}),
    ...validity,
    privateKey: { algorithm: 'ECDSA', size: 256, encoding: 'PKCS8', rotationPolicy: 'Always' },
    // Members of a store that connect to each other show it as clients, too.
    usages: ['digital signature', 'server auth', 'client auth'],
    issuerRef: { name: issuer.name, kind: issuer.kind, group: issuer.group },
  }
  try {
    return await applier.apply(withOwner(owner, { ...certificateKind, metadata: tls, spec }))
  } catch (error) {
    // Neither the kind nor any of its objects is there.
    if (hasStatus(error, 404)) return { kind: 'notInstalled' as const }
    // cert-manager's webhook does not answer or refuses, or a right is missing: no reason to leave the rest of a store alone.
    if (error instanceof KubeError) return { kind: 'denied' as const, message: error.message }
    throw error
  }
}

interface StatusCondition {
  type: string
  status: string
  message?: string
  observedGeneration?: number
}

const conditionOf = (object: KubeObject, type: string) =>
  (object['status'] as { conditions?: StatusCondition[] } | undefined)?.conditions?.find((one) => one.type === type)

/** As it is now: what cert-manager said of an earlier spec does not count. */
function isReady(object: KubeObject): boolean {
  const { generation } = object.metadata
  const ready = conditionOf(object, 'Ready')
  return ready?.status === 'True' && (ready.observedGeneration ?? generation) === generation
}

/** cert-manager says little of an issuer that is not there, so that is asked first. */
async function pending(tools: Tools, { issuer, tls }: Request, certificate: KubeObject): Promise<Outcome> {
  const trouble = await issuerTrouble(tools, issuer, tls.namespace)
  if (trouble) return { kind: 'wait', reason: 'IssuerUnavailable', message: trouble, retryAfterMs: pendingMs }
  const message = `Certificate ${tls.name} is not issued by ${named(issuer)} yet: ${said(certificate) ?? unseen}`
  return { kind: 'wait', reason: 'CertificatePending', message, retryAfterMs: pendingMs }
}

const unseen = 'cert-manager has not looked at it; does its controller run?'

/** Why the last request failed. */
function failure(certificate: KubeObject): string | undefined {
  const issuing = conditionOf(certificate, 'Issuing')
  return issuing?.status === 'False' ? issuing.message : undefined
}

const said = (certificate: KubeObject) => failure(certificate) ?? conditionOf(certificate, 'Ready')?.message

/** Only of cert-manager's own: the kinds of others are not known here. */
async function issuerTrouble({ client }: Tools, issuer: IssuerRef, namespace: string): Promise<string | undefined> {
  if (issuer.group !== certManager) return undefined
  const { kind, name } = issuer
  const found = await client.get({ apiVersion, kind }, namespace, name)
  const where = kind === 'Issuer' ? ` in namespace ${namespace}` : ''
  if (!found) return `spec.tls.issuerRef names ${kind} ${name}, which is not there${where}: create it, or name another`
  if (isReady(found)) return undefined
  return `${kind} ${name}${where}, which spec.tls.issuerRef names, is not ready: ${conditionOf(found, 'Ready')?.message ?? unseen}`
}

// --- without an issuer ------------------------------------------------------------------------------------------------------

/**
 * Takes back what was asked of cert-manager, the Certificate first, or it would make its Secret again. Done when nothing is left.
 * Where there is no such Secret, nothing is asked: cert-manager may not be there at all.
 */
export async function dropIssuedCertificate(
  { client, cache }: Pick<Tools, 'client' | 'cache'>,
  { namespace, name, labels }: SecretMetadata,
  issuedSecret: string,
): Promise<void> {
  const secret = cache.get(secretKind, namespace, issuedSecret)
  if (!secret || !isOurs(secret, labels)) return
  const certificate = await client.get(certificateKind, namespace, name)
  if (certificate && isOurs(certificate, labels)) await client.delete(certificate)
  await client.delete(secret)
}

function isOurs({ metadata }: KubeObject, labels: Record<string, string>): boolean {
  const own = metadata.labels ?? {}
  const instance = 'app.kubernetes.io/instance'
  return own['app.kubernetes.io/managed-by'] === managedBy && own[instance] === labels[instance]
}
