import type { KubeObject } from '../../crds/object.ts'
import type { DataStoreStatus } from '../../crds/schema/data-store.ts'
import { firstDifference } from '../kube/match.ts'
import { caHash, configHash, domain } from '../labels.ts'
import { names } from './names.ts'
import { findStatefulSet, findVolumeClaims, type Context } from './observe.ts'
import { differences, isApproved, mayRestart, planHash, settingsOf, type Gate } from './updates.ts'

/** On a StatefulSet: digest of the fields of the spec its pod template was made of. Another template of the same fields is the operator's doing. */
const fieldsAnnotation = `${domain}/template-fields`
/** On a StatefulSet: the pod template as it was applied, for another that somebody edits may not become what waits for no approval. */
const templateAnnotation = `${domain}/template`
/** On a StatefulSet: the settings of the spec that every member runs with; empty until they do for the first time. */
const settingsAnnotation = `${domain}/settings-in-force`

interface Template {
  metadata?: { annotations?: Record<string, string> }
  spec?: { containers?: { resources?: { limits?: { memory?: string } } }[] }
}

const templateOf = (statefulSet: KubeObject | undefined) =>
  (statefulSet?.['spec'] as { template?: Template } | undefined)?.template

/** The pods' template as an operator gave it to them; where none is recorded, as it is. */
function appliedTemplate(live: KubeObject | undefined): Template | undefined {
  const recorded = live?.metadata.annotations?.[templateAnnotation]
  return recorded === undefined ? templateOf(live) : (JSON.parse(recorded) as Template)
}

const hashesOf = (template: Template | undefined) => {
  const { [configHash]: config, [caHash]: ca } = template?.metadata?.annotations ?? {}
  return { config, ca }
}

type Pending = NonNullable<DataStoreStatus['pending']>

/** The StatefulSet of the members themselves: an engine may have others beside it, of what keeps them in agreement. */
const isOfMembers = ({ store }: Context, { kind, metadata }: KubeObject) =>
  kind === 'StatefulSet' && metadata.name === names.statefulSet(store.metadata.name)

/** Why another pod template may not be given to the pods now, and what would change; undefined when it may, or there is none. */
export function heldTemplate(
  context: Context,
  desired: KubeObject[],
): { gate: Gate & { go: false }; pending: Pending } | undefined {
  const live = findStatefulSet(context)
  const wanted = desired.find((object) => isOfMembers(context, object))
  // Without a pod to restart there is nothing to wait for. One that was evicted comes back as it was.
  if (!live || !wanted || (live['spec'] as { replicas?: number }).replicas === 0) return undefined
  const [before, after] = [hashesOf(appliedTemplate(live)), hashesOf(templateOf(wanted))]
  if (before.config === after.config && before.ca === after.ca) return undefined
  const { store, tools } = context
  const made = live.metadata.annotations?.[fieldsAnnotation]
  // Where nothing is recorded, an operator made the template that is older than this one.
  const edited = before.ca !== after.ca || (made !== undefined && made !== fieldsOf(context))
  const hash = planHash(store.metadata.uid, after)
  const approved = isApproved(store, hash)
  const gate = mayRestart({
    policy: store.spec.updatePolicy,
    cause: edited ? 'spec' : 'operator',
    approved,
    now: tools.now(),
  })
  if (gate.go) return undefined
  return { gate, pending: { hash, what: 'replace every pod, replicas first', differences: changes(wanted, live) } }
}

/** A digest says no more than that something differs, so it is told only when nothing else is. */
function changes(wanted: KubeObject, live: KubeObject): string[] {
  const found = differences(templateOf(wanted), appliedTemplate(live)).filter((line) => !line.includes(configHash))
  return found.length > 0 ? found : ['the files that the pods mount']
}

/**
 * Not the generation of the spec: most edits touch no template, and an operator upgrade may edit it, too, when a MatchingCluster gives
 * its stores a new field. One that becomes part of the template and has a default belongs here only when it is set to something else.
 */
function fieldsOf({ engine, store }: Context): string {
  const { version, image, registry, imagePullSecrets, placement, resources } = store.spec
  const parameters = engine.startParameters?.(store)
  return planHash(store.metadata.uid, { version, image, registry, imagePullSecrets, placement, resources, parameters })
}

/** The objects to apply: with the pods' template and the files it mounts as they are, as long as another one has to wait. */
export function withHeldTemplate(context: Context, desired: KubeObject[]): KubeObject[] {
  const live = findStatefulSet(context)
  const held = heldTemplate(context, desired)
  if (held) announcePending(context, held.gate, held.pending)
  const memory = appliedTemplate(live)?.spec?.containers?.[0]?.resources?.limits?.memory
  if (held && memory) context.heldMemory = memory
  return desired.map((object) => {
    if (isOfMembers(context, object)) return withTemplateOf(context, object, held ? live : undefined)
    return held && object.kind === 'ConfigMap' ? (findConfigMap(context, object) ?? object) : object
  })
}

/**
 * Another claim template than the live one is never sent: Kubernetes refuses it, and growth.ts knows when to make the StatefulSet anew.
 * A store without a volume begins with the settings of its spec; one that comes back, with those its members remember.
 */
function withTemplateOf(context: Context, object: KubeObject, held: KubeObject | undefined): KubeObject {
  const live = findStatefulSet(context)
  const { [fieldsAnnotation]: made, [settingsAnnotation]: inForce } = live?.metadata.annotations ?? {}
  const settings = live ? inForce : findVolumeClaims(context).length > 0 ? '' : settingsOf(context.store.spec)
  const desired = object['spec'] as Record<string, unknown>
  const template = held ? appliedTemplate(held) : (desired['template'] as Template)
  const annotations = {
    ...object.metadata.annotations,
    [templateAnnotation]: JSON.stringify(template),
    [fieldsAnnotation]: (held ? made : undefined) ?? fieldsOf(context),
    ...(settings === undefined ? {} : { [settingsAnnotation]: settings }),
  }
  const { volumeClaimTemplates: there } = (live?.['spec'] as Record<string, unknown> | undefined) ?? {}
  const { volumeClaimTemplates: wanted } = desired
  const volumeClaimTemplates = there && firstDifference(wanted, there) !== undefined ? there : wanted
  return {
    ...object,
    metadata: { ...object.metadata, annotations },
    spec: { ...desired, template, volumeClaimTemplates },
  }
}

/** Those that the members run with, as far as an operator recorded them. */
export function settingsInForce(context: Context): string | undefined {
  return findStatefulSet(context)?.metadata.annotations?.[settingsAnnotation]
}

/** No member waits for a restart: what does later is another edit, or another operator. */
export async function recordSettings(context: Context): Promise<void> {
  const { namespace, store, tools } = context
  const [live, settings] = [findStatefulSet(context), settingsOf(store.spec)]
  if (!live || settingsInForce(context) === settings) return
  const patch = { metadata: { uid: live.metadata.uid, annotations: { [settingsAnnotation]: settings } } }
  tools.cache.wrote(await tools.client.mergePatch(live, namespace, live.metadata.name, patch))
}

/** As the pods mount it now: data only, the rest is what it should be. */
function findConfigMap({ tools, namespace }: Context, desired: KubeObject): KubeObject | undefined {
  const live = tools.cache.get(desired, namespace, desired.metadata.name)
  return live && { ...desired, data: live['data'] }
}

/** Says in the status what waits, and why. The first one counts: what comes after it is asked about when it is done. */
export function announcePending(context: Context, gate: Gate & { go: false }, pending: Pending): void {
  if (context.found.pending) return
  context.found.pending = pending
  if (gate.opensAt) context.due.push(gate.opensAt)
  const message = `${pending.what}: ${gate.message}. ${pending.differences.join('; ')}. Annotation supersmartmatch.io/approve=${pending.hash} on DataStore ${context.store.metadata.name} lets it go now`
  context.beside.push({ type: 'PendingRollout', status: 'True', reason: gate.reason, message })
}
