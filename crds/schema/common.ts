import Type from 'typebox'
import type { Condition } from '../conditions.ts'
import type { ObjectMeta } from '../object.ts'

export const group = 'supersmartmatch.io'
export const version = 'v1alpha1'
export const apiVersion = `${group}/${version}`

/** A cross-field or immutability rule the API server enforces. `message` is what the user reads. */
export interface CelRule {
  rule: string
  message: string
  fieldPath?: string
}
export const rules = (...list: CelRule[]) => ({ 'x-kubernetes-validations': list })

/** A string out of a fixed list. TypeBox's Union of literals emits anyOf + const and its Enum omits `type`; CRD schemas allow neither. */
export function stringEnum<T extends string>(values: readonly T[], options: object = {}) {
  return Type.Unsafe<T>({ type: 'string', enum: [...values], ...options })
}

/**
 * Rules on metadata.name, for the top of a kind: names of Services, pods and Jobs are made of it.
 * Kubernetes allows them 63 characters; `max` leaves room for the longest suffix.
 */
export const nameRules = (max: number): CelRule[] => [
  {
    rule: `size(self.metadata.name) <= ${max}`,
    message: `metadata.name must be at most ${max} characters: names of Services and pods are made of it`,
    fieldPath: '.metadata.name',
  },
  {
    rule: "self.metadata.name.matches('^[a-z]([-a-z0-9]*[a-z0-9])?$')",
    message:
      'metadata.name must start with a lower-case letter and hold only lower-case letters, digits and hyphens: Services are named after it',
    fieldPath: '.metadata.name',
  },
]

/** registry.example.com:5000/team/name:tag@sha256:digest, each part but the name optional. */
const imagePattern =
  '^([a-zA-Z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._/-]+[a-z0-9]+)*(:[a-zA-Z0-9_][a-zA-Z0-9_.-]{0,127})?(@sha256:[a-f0-9]{64})?$'

const quantityPattern = '^[0-9]+(\\.[0-9]+)?(m|k|M|G|T|P|Ki|Mi|Gi|Ti|Pi)?$'
const quantity = (options: object) => Type.String({ pattern: quantityPattern, maxLength: 32, ...options })

/** Name of another object in the same namespace. */
export const localName = (options: object) =>
  Type.String({ minLength: 1, maxLength: 253, pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$', ...options })

export const image = (engine: string) =>
  Type.String({
    minLength: 1,
    maxLength: 512,
    pattern: imagePattern,
    description: `Container image, instead of the operator's setting images.${engine}. Default: that setting. Changing it restarts the pods.`,
  })

const largest = (most: string): CelRule => ({
  rule: `quantity(self).compareTo(quantity('${most}')) <= 0`,
  message: `must be at most ${most}: no machine has more, and a pod that fits nowhere would replace one that runs`,
})
const atMost = (most: string) => rules(largest(most))

/** Requests and limits; CPU has no limit on purpose: a throttled database is slow for no gain. */
export function resources(defaults: { cpu: string; memory: string; memoryLimit: string }, of: string, least: string) {
  return Type.Object(
    {
      cpu: quantity({
        default: defaults.cpu,
        ...atMost('1024'),
        description: `CPU requested by each ${of} pod; there is no CPU limit. Default ${defaults.cpu}. Changing it restarts the pods.`,
      }),
      memory: quantity({
        default: defaults.memory,
        description: `Memory requested by each ${of} pod. Default ${defaults.memory}. Changing it restarts the pods.`,
      }),
      memoryLimit: quantity({
        default: defaults.memoryLimit,
        ...atMost('64Ti'),
        description: `Memory limit of each ${of} pod; the kernel ends a pod that goes over it. Default ${defaults.memoryLimit}. Changing it restarts the pods.`,
      }),
    },
    {
      default: {},
      description: `CPU and memory of each ${of} pod. Changing it restarts the pods.`,
      ...rules(
        {
          rule: 'quantity(self.memory).compareTo(quantity(self.memoryLimit)) <= 0',
          message: 'memoryLimit must be at least memory: raise memoryLimit or lower memory',
          fieldPath: '.memoryLimit',
        },
        {
          rule: `quantity(self.memoryLimit).compareTo(quantity('${least}')) >= 0`,
          message: `memoryLimit must be at least ${least}, or a ${of} pod cannot start`,
          fieldPath: '.memoryLimit',
        },
      ),
    },
  )
}

export const storage = Type.Object(
  {
    size: quantity({
      default: '2Gi',
      description: 'Size of the volume of each pod. Default 2Gi. Immutable: volume growth is not built yet.',
      ...rules(
        {
          rule: 'quantity(self).compareTo(quantity("256Mi")) >= 0',
          message: 'size must be at least 256Mi, or the store cannot start',
        },
        largest('1Pi'),
      ),
    }),
    storageClass: Type.Optional(
      localName({
        description:
          'StorageClass of the volumes. Default: the cluster’s default class. Immutable: Kubernetes cannot move a volume to another class.',
      }),
    ),
  },
  {
    default: {},
    description: 'The volumes that hold the data. They outlive the object (deletionPolicy Retain). Immutable.',
    ...rules({
      rule: 'self == oldSelf',
      message: 'storage is immutable: volume growth is not built yet, and a volume cannot move to another class',
    }),
  },
)

export const conditionsStatus = Type.Unsafe<Condition[]>({
  type: 'array',
  description: 'What is true of this object, one entry per condition type; see docs/reference/conditions.md.',
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['type'],
  items: {
    type: 'object',
    required: ['type', 'status', 'reason', 'message', 'lastTransitionTime'],
    properties: {
      type: { type: 'string', description: 'Name of the condition.' },
      status: { type: 'string', enum: ['True', 'False', 'Unknown'], description: 'Whether it holds.' },
      reason: { type: 'string', description: 'Why, in one CamelCase word.' },
      message: { type: 'string', description: 'Why, in a sentence.' },
      observedGeneration: {
        type: 'integer',
        format: 'int64',
        description: 'metadata.generation this was computed from.',
      },
      lastTransitionTime: { type: 'string', format: 'date-time', description: 'When status last changed.' },
    },
  },
})

export const phases = ['Pending', 'Creating', 'Ready', 'Updating', 'Degraded', 'Failed', 'Deleting'] as const
export type Phase = (typeof phases)[number]
export const phase = stringEnum(phases, {
  description: 'One word for people; derived from the conditions, read by no code.',
})

/** A custom resource of ours as the API server returns it. */
export interface Resource<Spec, Status> {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
  spec: Spec
  status?: Status
  [field: string]: unknown
}
