import type { KubeObject } from '../../crds/object.ts'
import type { Members } from '../engines/engine.ts'
import { domain } from '../labels.ts'
import { deadline } from '../reconcile/deadline.ts'
import { memberAddress, wantedCertificate } from './members.ts'
import { databasePods, findPod, type Context } from './observe.ts'

/** The kubelet brings a changed Secret into its pods within a minute and a half, and tells nobody. */
const againMs = 10_000

/**
 * Has every member load the server certificate that is in the Secret: what runs goes on showing the one it read at its start, until
 * that has expired and no member is believed any more. Asks again until each shows it.
 */
export async function loadCertificates(context: Context, members: Members): Promise<undefined> {
  const wanted = wantedCertificate(context)
  if (!wanted) return
  const pods = databasePods(context).filter((pod) => !pod.metadata.deletionTimestamp)
  const loaded = await Promise.all(pods.map((pod) => load(context, members, pod, wanted)))
  if (!loaded.every(Boolean)) context.due.push(new Date(context.tools.now().getTime() + againMs))
}

/** On a pod: the digest of its files that was last waited for. */
const filesAnnotation = `${domain}/files`

/** The kubelet looks at a pod's files again when the pod changes, and otherwise once a minute. */
export async function refreshFiles(context: Context, outdated: Record<string, string>): Promise<void> {
  const { namespace, tools } = context
  for (const [name, digest] of Object.entries(outdated)) {
    const pod = findPod(context, name)
    if (!pod || pod.metadata.annotations?.[filesAnnotation] === digest) continue
    const patch = { metadata: { uid: pod.metadata.uid, annotations: { [filesAnnotation]: digest } } }
    tools.cache.wrote(await tools.client.mergePatch(pod, namespace, name, patch))
  }
  if (Object.keys(outdated).length > 0) context.due.push(new Date(tools.now().getTime() + againMs))
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
