import type { KubeObject } from '../crds/object.ts'
import {
  blocksOf,
  createAuthority,
  fingerprint,
  issueServerCertificate,
  whyReissue,
  type KeyPair,
} from './certificates.ts'
import { adopted, type Applier, type Refused } from './kube/apply.ts'
import type { Cache } from './kube/cache.ts'
import type { Outcome } from './reconcile/outcome.ts'
import { secret, secretValue } from './secrets.ts'

/** What both controllers keep in Secrets. Each function returns undefined when it is in place, else the outcome to stop with. */
interface Tools {
  applier: Applier
  cache: Cache
  now: () => Date
}

export interface SecretMetadata {
  name: string
  namespace: string
  labels: Record<string, string>
}

export const tlsType = 'kubernetes.io/tls'

/**
 * Makes a Secret once and never overwrites it. It carries no ownerReference: it outlives its owner and is adopted by
 * name and labels when that comes back. One of the same name that belongs to something else is refused.
 */
export async function keepSecret(
  tools: Tools,
  metadata: SecretMetadata,
  make: () => Record<string, string> | Promise<Record<string, string>>,
  type?: string,
): Promise<Outcome | undefined> {
  const found = findSecret(tools, metadata)
  const result = found
    ? adopted(secret(metadata, {}, type), found)
    : await tools.applier.createOnce(secret(metadata, await make(), type))
  return result.kind === 'refused' ? waitFor(result) : undefined
}

function findSecret({ cache }: Tools, { namespace, name }: SecretMetadata): KubeObject | undefined {
  return cache.get({ apiVersion: 'v1', kind: 'Secret' }, namespace, name)
}

/** Creates a Secret or brings its values up to date; a foreign Secret of that name is refused, not taken over. */
export async function writeSecret(
  tools: Tools,
  metadata: SecretMetadata,
  values: Record<string, string>,
  type?: string,
) {
  if (!findSecret(tools, metadata)) return keepSecret(tools, metadata, () => values, type)
  const result = await tools.applier.apply(secret(metadata, values, type))
  return result.kind === 'refused' ? waitFor(result) : undefined
}

/** A CA of our own, made once. */
export async function ensureAuthority(tools: Tools, metadata: SecretMetadata): Promise<Outcome | undefined> {
  const make = async () => {
    const { certificate, key } = await createAuthority(metadata.name, tools.now())
    return { 'tls.crt': certificate, 'tls.key': key }
  }
  return keepSecret(tools, metadata, make, tlsType)
}

/** @throws when the Secret has lost its certificate or key: nothing can be signed then */
export function authorityOf(found: KubeObject | undefined, name: string): KeyPair {
  const [certificate, key] = [secretValue(found, 'tls.crt'), secretValue(found, 'tls.key')]
  if (!certificate || !key) throw new Error(`Secret ${name} has no tls.crt and tls.key`)
  return { certificate, key }
}

/** Whether a pod was started with another CA than that with this fingerprint. */
export type OthersInUse = (fingerprint: string) => boolean

/** A server certificate (tls.crt, tls.key, ca.crt) for these names, issued again when the old one no longer serves. `issued` hears why. */
export async function ensureServerCertificate(
  tools: Tools,
  metadata: SecretMetadata,
  ca: KeyPair,
  dnsNames: string[],
  issued: (why: string) => void,
  othersInUse?: OthersInUse,
): Promise<Outcome | undefined> {
  const found = findSecret(tools, metadata)
  const trust = trusted(ca.certificate, found, tools.now(), othersInUse)
  const why = found ? whyDamaged(found, ca, dnsNames, tools.now()) : 'there was none'
  if (!why)
    return holds(found, trust) ? undefined : writeSecret(tools, metadata, { ...pairIn(found), ...trust }, tlsType)
  const pair = await issueServerCertificate(ca, dnsNames, tools.now())
  const values = { 'tls.crt': pair.certificate, 'tls.key': pair.key, ...trust }
  const stopped = await writeSecret(tools, metadata, values, tlsType)
  if (!stopped) issued(why)
  return stopped
}

const previousKey = 'previous-ca.crt'
/** Not before this moment does it go. */
const untilKey = 'previous-ca.until'
/** The kubelet brings a changed Secret into its pods within a minute and a half; then they are told to load it. */
const loadingMs = 15 * 60_000
/** More are never trusted at once: somebody deletes the Secret of the CA again and again. */
const mostPrevious = 5

/** The CA of a server certificate's Secret, without those before it. */
export function currentAuthority(found: KubeObject | undefined): string | undefined {
  const [all, previous] = [secretValue(found, 'ca.crt'), secretValue(found, previousKey)]
  return previous && all?.endsWith(previous) ? all.slice(0, -previous.length) : all
}

/**
 * What goes into a server certificate's Secret to verify others with. When the CA changes, those before it stay in ca.crt until nobody
 * shows a certificate of them any more: else pods that run could not be asked to make room for those that follow, nor these follow them.
 * A pod that was started with one CA may have loaded a certificate of the next one, so what pods were started with is not enough to go by.
 */
export function trusted(
  ca: string,
  found: KubeObject | undefined,
  now: Date,
  othersInUse?: OthersInUse,
): Record<string, string> {
  const stored = currentAuthority(found)
  const changes = stored !== undefined && stored.trim() !== ca.trim()
  const before = [changes ? stored : '', secretValue(found, previousKey) ?? ''].join('\n')
  const previous = [...new Set(blocksOf(before))].filter((one) => !blocksOf(ca).includes(one))
  const until = changes ? new Date(now.getTime() + loadingMs).toISOString() : secretValue(found, untilKey)
  const isOver = until === undefined || now.getTime() >= Date.parse(until)
  if (previous.length === 0 || !othersInUse || (isOver && !othersInUse(fingerprint(ca)))) return { 'ca.crt': ca }
  const kept = `${previous.slice(0, mostPrevious).join('\n')}\n`
  return { 'ca.crt': `${ca.trim()}\n${kept}`, [previousKey]: kept, [untilKey]: until ?? now.toISOString() }
}

const holds = (found: KubeObject | undefined, values: Record<string, string>) =>
  ['ca.crt', previousKey, untilKey].every((key) => secretValue(found, key) === values[key])

const pairIn = (found: KubeObject | undefined) =>
  Object.fromEntries(['tls.crt', 'tls.key'].map((key) => [key, secretValue(found, key) ?? '']))

function whyDamaged(found: KubeObject, ca: KeyPair, dnsNames: string[], now: Date): string | undefined {
  if (currentAuthority(found)?.trim() !== ca.certificate.trim()) return 'the CA changed'
  const [certificate = '', key = ''] = [secretValue(found, 'tls.crt'), secretValue(found, 'tls.key')]
  return whyReissue({ certificate, key }, ca.certificate, dnsNames, now)
}

/** An old owner that is still going passes by itself; an object that is somebody else's needs somebody to act, unseen by us. */
export function waitFor({ reason, message }: Refused): Outcome {
  if (reason === 'PreviousOwnerTerminating') return { kind: 'wait', reason, message, retryAfterMs: 2_000 }
  return { kind: 'blocked', reason, message, retryAfterMs: 30_000 }
}
