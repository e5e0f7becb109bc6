import type { KubeObject } from '../../crds/object.ts'
import { hasStatus } from '../kube/client.ts'
import type { Outcome, Wait } from '../reconcile/outcome.ts'
import { patchClaim } from './claims.ts'
import { names } from './names.ts'
import { findStatefulSet, findVolumeClaims, type Context } from './observe.ts'
import { heldTemplate } from './template.ts'
import { volumeStep, type Claim } from './volumes.ts'

interface ClaimFields {
  spec?: { resources?: { requests?: { storage?: string } }; storageClassName?: string }
  status?: { capacity?: { storage?: string } }
}

/**
 * Brings the volumes to the size of the spec while the store runs: each claim asks for more, its driver grows volume and file system,
 * and then the StatefulSet is made anew with the new size, because Kubernetes never changes that; its pods stay and are adopted.
 * Volumes that are not as the spec says keep a new store from being made, and hold up nothing of one that runs (goOn).
 * @returns undefined when the volumes are as they should be
 */
export async function settleVolumes(context: Context): Promise<Outcome | undefined> {
  const { size } = context.store.spec.storage
  const found = findVolumeClaims(context)
  const statefulSet = findStatefulSet(context)
  const claims = claimsInUse(context)
  const storageClass = (found[0] as ClaimFields | undefined)?.spec?.storageClassName
  const template = templateSize(statefulSet)
  const differs = [...claims.map(({ requested }) => requested), template ?? size].some((text) => text !== size)
  const expandable = differs && storageClass !== undefined && (await mayGrow(context, storageClass))
  const goOn = statefulSet !== undefined
  const step = volumeStep({ claims, size, template, expandable, storageClass })
  switch (step.kind) {
    case 'fits':
      return undefined
    case 'larger': {
      const { name, requested } = step.claim
      const message = `volume claim ${name} has ${requested}, spec.storage.size asks for ${size}: no volume can shrink, ask for ${requested}`
      return { kind: 'blocked', reason: 'VolumeSizeDiffers', message, retryAfterMs: 60_000, goOn }
    }
    case 'cannotGrow':
      return { kind: 'blocked', reason: 'VolumeCannotGrow', message: step.message, retryAfterMs: 60_000, goOn }
    case 'request':
      return { ...(await request(context, step.claims)), goOn }
    case 'growing': {
      // Some drivers want no pod to use it meanwhile: the store must be able to stop.
      if (context.store.spec.hibernate) return undefined
      const { name, capacity } = step.claim
      return { ...resizing(`volume of claim ${name} has ${capacity} and is growing to ${size}`, 5_000), goOn }
    }
    case 'recreate':
      return statefulSet && (await recreate(context, statefulSet))
  }
}

export function claimsInUse(context: Context): Claim[] {
  const statefulSet = findStatefulSet(context)
  return findVolumeClaims(context)
    .filter(({ metadata }) => isUsed(context, metadata.name, statefulSet))
    .map(claimOf)
}

/** A volume that no pod mounts grows when one does: those of former members wait until they are used again. */
function isUsed(context: Context, claim: string, statefulSet: KubeObject | undefined): boolean {
  const { replicas } = (statefulSet?.['spec'] ?? {}) as { replicas?: number }
  const count = Math.max(1, replicas ?? context.store.spec.replicas)
  return Array.from({ length: count }, (_, ordinal) =>
    names.volumeClaim(context.store.metadata.name, ordinal),
  ).includes(claim)
}

function claimOf(object: KubeObject): Claim {
  const { spec, status } = object as ClaimFields
  const capacity = status?.capacity?.storage
  return {
    name: object.metadata.name,
    requested: spec?.resources?.requests?.storage ?? '',
    ...(capacity ? { capacity } : {}),
  }
}

function templateSize(statefulSet: KubeObject | undefined): string | undefined {
  const spec = statefulSet?.['spec'] as { volumeClaimTemplates?: ClaimFields[] } | undefined
  return spec?.volumeClaimTemplates?.[0]?.spec?.resources?.requests?.storage
}

async function mayGrow({ tools }: Context, storageClass: string): Promise<boolean> {
  const found = await tools.client.get(
    { apiVersion: 'storage.k8s.io/v1', kind: 'StorageClass' },
    undefined,
    storageClass,
  )
  return found?.['allowVolumeExpansion'] === true
}

async function request(context: Context, claims: Claim[]): Promise<Wait> {
  const { store, tools } = context
  const { size } = store.spec.storage
  const found = findVolumeClaims(context)
  for (const { name, requested } of claims) {
    const claim = found.find(({ metadata }) => metadata.name === name)
    if (!claim) continue
    // No volume can shrink again: an operator that was replaced meanwhile must not ask for more.
    if (!(await patchClaim(context, claim, { spec: { resources: { requests: { storage: size } } } }))) continue
    tools.events.normal(store, 'VolumeGrowing', `volume claim ${name}: ${requested} → ${size}`)
  }
  return resizing(`asked for ${size} for ${claims.map(({ name }) => name).join(', ')}`, 1_000)
}

/** Not while a new pod template waits: the new StatefulSet would bring it. What comes after it waits until the old one is gone. */
async function recreate(context: Context, statefulSet: KubeObject): Promise<Outcome | undefined> {
  if (heldTemplate(context, context.engine.objects(context.plan))) return undefined
  const { store, tools } = context
  const { name } = statefulSet.metadata
  try {
    await tools.client.delete(statefulSet, 'Orphan')
  } catch (error) {
    // Its status changed meanwhile: the next look has its newest version.
    if (!hasStatus(error, 409)) throw error
  }
  tools.events.normal(
    store,
    'StatefulSetRecreated',
    `StatefulSet ${name} is made anew for volumes of ${store.spec.storage.size}; its pods go on`,
  )
  return resizing(`StatefulSet ${name} is made anew, its pods go on`, 500)
}

function resizing(message: string, retryAfterMs: number): Wait {
  return { kind: 'wait', reason: 'VolumeResizing', message, retryAfterMs }
}
