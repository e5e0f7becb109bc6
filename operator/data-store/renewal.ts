import { X509Certificate } from 'node:crypto'
import type { KubeObject } from '../../crds/object.ts'
import type { Members } from '../engines/engine.ts'
import { deadline } from '../reconcile/deadline.ts'
import { secretValue } from '../secrets.ts'
import { memberAddress } from './members.ts'
import { names } from './names.ts'
import { databasePods, findSecret, type Context } from './observe.ts'

/** The kubelet brings a changed Secret into its pods within a minute and a half, and tells nobody. */
const againMs = 10_000

/**
 * Has every member load the server certificate that is in the Secret: what runs goes on showing the one it read at its start, until
 * that has expired and no member is believed any more. Asks again until each shows it.
 */
export async function loadCertificates(context: Context, members: Members): Promise<undefined> {
  const certificate = secretValue(findSecret(context, names.tlsSecret(context.store.metadata.name)), 'tls.crt')
  if (!certificate) return
  const wanted = new X509Certificate(certificate).fingerprint256
  const pods = databasePods(context).filter((pod) => !pod.metadata.deletionTimestamp)
  const loaded = await Promise.all(pods.map((pod) => load(context, members, pod, wanted)))
  if (!loaded.every(Boolean)) context.due.push(new Date(context.tools.now().getTime() + againMs))
}

/** @returns whether the member shows it */
async function load(context: Context, members: Members, pod: KubeObject, wanted: string): Promise<boolean> {
  const at = memberAddress(context, pod)
  if (!at) return false
  const signal = deadline(context, 3_000)
  try {
    const shown = await members.shownCertificates(at, signal)
    if (shown.every((fingerprint) => fingerprint === wanted)) return true
    await members.reload(at, signal)
    context.tools.events.normal(context.store, 'MemberReloaded', `${pod.metadata.name}: renewed server certificate`)
  } catch {
    // A member that is starting or does not answer is reported by whoever asks it what it does; here it is only asked again.
  }
  return false
}
