import Type, { type Static } from 'typebox'
import type { Condition } from '../conditions.ts'
import type { ObjectMeta } from '../object.ts'

export const group = 'supersmartmatch.io'
export const version = 'v1alpha1'
export const apiVersion = `${group}/${version}`

/** API group of cert-manager and of its own issuers. */
export const certManager = 'cert-manager.io'

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

/** A store of mode external is somebody else's. */
export const noPods = ' It has no effect with mode external.'

export const image = (engine: string) =>
  Type.String({
    minLength: 1,
    maxLength: 512,
    pattern: imagePattern,
    description: `Container image, instead of the operator's setting images.${engine}. Default: that setting. Changing it restarts the pods.${engine === 'pgbouncer' ? '' : ' With mode external it is refused.'}`,
  })

const largest = (most: string): CelRule => ({
  rule: `quantity(self).compareTo(quantity('${most}')) <= 0`,
  message: `must be at most ${most}: no machine has more, and a pod that fits nowhere would replace one that runs`,
})
const atMost = (most: string) => rules(largest(most))

interface Resources {
  cpu: string
  memory: string
  memoryLimit: string
}

/** The fields of `resources` below. `defaults` absent: the profile has them. */
function resourceFields(of: string, more: string, defaults?: Resources) {
  const given = (field: keyof Resources) => (defaults ? { default: defaults[field] } : {})
  const says = (field: keyof Resources) =>
    `Default ${defaults ? defaults[field] : 'by spec.profile'}. Changing it restarts the pods.${more}`
  return {
    cpu: quantity({
      ...given('cpu'),
      ...atMost('1024'),
      description: `CPU requested by each ${of} pod; there is no CPU limit. ${says('cpu')}`,
    }),
    memory: quantity({
      ...given('memory'),
      // Otherwise the limit beside it holds it down.
      ...(defaults ? {} : atMost('64Ti')),
      description: `Memory requested by each ${of} pod. ${says('memory')}`,
    }),
    memoryLimit: quantity({
      ...given('memoryLimit'),
      ...atMost('64Ti'),
      description: `Memory limit of each ${of} pod; the kernel ends a pod that goes over it. ${says('memoryLimit')}`,
    }),
  }
}

const memoryRules = (of: string, least: string, has: { both: string; limit: string }) =>
  rules(
    {
      rule: `${has.both}quantity(self.memory).compareTo(quantity(self.memoryLimit)) <= 0`,
      message: 'memoryLimit must be at least memory: raise memoryLimit or lower memory',
      fieldPath: '.memoryLimit',
    },
    {
      rule: `${has.limit}quantity(self.memoryLimit).compareTo(quantity('${least}')) >= 0`,
      message: `memoryLimit must be at least ${least}, or a ${of} pod cannot start`,
      fieldPath: '.memoryLimit',
    },
  )

/** Requests and limits; CPU has no limit on purpose: a throttled database is slow for no gain. */
export function resources(defaults: Resources, of: string, least: string, more = '') {
  return Type.Object(resourceFields(of, more, defaults), {
    default: {},
    description: `CPU and memory of each ${of} pod. Changing it restarts the pods.`,
    ...memoryRules(of, least, { both: '', limit: '' }),
  })
}

/** The same where `spec.profile` says what is left out. */
export function resourcesByProfile(of: string, least: string) {
  const { cpu, memory, memoryLimit } = resourceFields(of, noPods)
  return Type.Object(
    { cpu: Type.Optional(cpu), memory: Type.Optional(memory), memoryLimit: Type.Optional(memoryLimit) },
    {
      default: {},
      description: `CPU and memory of each ${of} pod, where they shall differ from those of spec.profile. Changing it restarts the pods.`,
      ...memoryRules(of, least, {
        both: '!has(self.memory) || !has(self.memoryLimit) || ',
        limit: '!has(self.memoryLimit) || ',
      }),
    },
  )
}

const storageSize = (byDefault?: string) =>
  quantity({
    ...(byDefault ? { default: byDefault } : {}),
    description: `Size of the volume of each pod. Default ${byDefault ?? 'by spec.profile'}. It can grow while the store runs, where the StorageClass allows it (allowVolumeExpansion); no volume can shrink, so a size below what the volumes have is reported (VolumeSizeDiffers) and changes nothing. Changing it restarts nothing.${noPods}`,
    ...rules(
      {
        rule: 'quantity(self).compareTo(quantity("256Mi")) >= 0',
        message: 'size must be at least 256Mi, or the store cannot start',
      },
      largest('1Pi'),
    ),
  })

const storageClass = Type.Optional(
  localName({
    description:
      'StorageClass of the volumes. Default: the cluster’s default class. Immutable: Kubernetes cannot move a volume to another class. With mode external it is refused.',
  }),
)

const storageOptions = {
  default: {},
  description: 'The volumes that hold the data. They outlive the object unless deletionPolicy is Delete.',
  ...rules({
    rule: 'has(self.storageClass) == has(oldSelf.storageClass) && (!has(self.storageClass) || self.storageClass == oldSelf.storageClass)',
    message: 'storageClass is immutable: a volume cannot move to another class',
    fieldPath: '.storageClass',
  }),
}

export const storage = Type.Object({ size: storageSize('2Gi'), storageClass }, storageOptions)
/** The same where `spec.profile` says what is left out. */
export const storageByProfile = Type.Object({ size: Type.Optional(storageSize()), storageClass }, storageOptions)

/** A label, as Kubernetes limits it. */
const labelText = (options: object) => Type.String({ maxLength: 253, ...options })
const anyObject = (description: string) =>
  Type.Object({}, { description, 'x-kubernetes-preserve-unknown-fields': true })

/** Where pods may run. `of` names the pods. */
export const placement = (of: string) =>
  Type.Object(
    {
      nodeSelector: Type.Optional(
        Type.Record(Type.String(), labelText({}), {
          maxProperties: 32,
          description: `Labels a node must have to run a ${of} pod. Default: none. Changing it restarts the pods.`,
        }),
      ),
      tolerations: Type.Optional(
        Type.Array(
          Type.Object({
            key: Type.Optional(
              labelText({ description: 'Taint it tolerates; absent with operator Exists: every taint.' }),
            ),
            operator: Type.Optional(stringEnum(['Exists', 'Equal'], { description: 'How value is compared.' })),
            value: Type.Optional(labelText({ description: 'Value of the taint, with operator Equal.' })),
            effect: Type.Optional(
              stringEnum(['NoSchedule', 'PreferNoSchedule', 'NoExecute'], {
                description: 'Effect of the taint; absent: every effect.',
              }),
            ),
            tolerationSeconds: Type.Optional(
              Type.Integer({
                minimum: 0,
                maximum: 2147483647,
                description: 'Seconds a NoExecute taint is tolerated; absent: for ever.',
              }),
            ),
          }),
          {
            maxItems: 32,
            description: `Taints that ${of} pods tolerate, as in a pod. Default: none. Changing it restarts the pods.`,
          },
        ),
      ),
      affinity: Type.Optional(
        anyObject(
          `affinity of a ${of} pod, as in a pod. Default: none but the spreading below. Changing it restarts the pods.`,
        ),
      ),
      topologySpreadConstraints: Type.Optional(
        Type.Array(
          Type.Object({
            maxSkew: Type.Integer({
              minimum: 1,
              maximum: 100,
              description: 'How many pods one place may have more than another.',
            }),
            topologyKey: labelText({ minLength: 1, description: 'Node label whose values are the places.' }),
            whenUnsatisfiable: stringEnum(['DoNotSchedule', 'ScheduleAnyway'], {
              description: 'What happens to a pod that would break it.',
            }),
          }),
          {
            maxItems: 8,
            description: `How ${of} pods spread; the operator adds the label selector. Default: over nodes (kubernetes.io/hostname), ScheduleAnyway. Changing it restarts the pods.`,
          },
        ),
      ),
      priorityClassName: Type.Optional(
        localName({
          description: `PriorityClass of the ${of} pods. Default: the cluster’s default. Changing it restarts the pods.`,
        }),
      ),
    },
    {
      default: {},
      description: `Where ${of} pods run, and the pod that migrates a store; of a store of mode external there is no other.`,
    },
  )
export type Placement = Static<ReturnType<typeof placement>>

export const imagePullSecrets = Type.Array(localName({}), {
  default: [],
  maxItems: 16,
  description:
    'Names of Secrets of type kubernetes.io/dockerconfigjson for pulling images. Default: none. Changing it restarts the pods. With mode external only the pod that migrates has them.',
})

export const registry = Type.Optional(
  Type.String({
    minLength: 1,
    maxLength: 255,
    pattern: '^[a-z0-9][a-zA-Z0-9.-]*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)*$',
    description:
      'Registry and path put in place of those of the operator’s default images: registry.example.com/team makes registry.example.com/team/postgres:<tag>. An image given in full is not touched. Default: the operator’s settings as they are. Changing it restarts the pods. With mode external it is only for the pod that migrates.',
  }),
)

/** When pods may be restarted. */
export const updatePolicy = Type.Object(
  {
    type: stringEnum(['Always', 'Window', 'OnApproval', 'Never'], {
      default: 'Always',
      description:
        'When a change that restarts pods is carried out. Always: an edit of the spec at once; what an operator upgrade alone would change waits for a window or an approval. Window: only inside one of windows. OnApproval: only once approved. Never: not at all. What waits shows as condition PendingRollout with its differences; annotation supersmartmatch.io/approve with the hash it names lets it go. Default Always. Changing it restarts nothing by itself. A DataStore of mode external has nothing to restart: any other type is refused there.',
    }),
    windows: Type.Array(
      Type.Object({
        cron: Type.String({
          minLength: 9,
          maxLength: 100,
          description: 'When the window opens: minute, hour, day of month, month, day of week, such as 0 2 * * 6.',
        }),
        duration: Type.String({
          pattern: '^[1-9][0-9]{0,3}(m|h)$',
          description: 'How long it stays open, such as 90m or 4h.',
        }),
        timeZone: Type.String({
          default: 'UTC',
          minLength: 1,
          maxLength: 64,
          description: 'Time zone of cron by its IANA name, such as Europe/Paris. Default UTC.',
        }),
      }),
      {
        default: [],
        maxItems: 16,
        description:
          'Maintenance windows. With type Always they are when an operator upgrade’s changes are carried out. Default: none. Changing it restarts nothing. They have no effect on a DataStore of mode external.',
      },
    ),
  },
  {
    default: {},
    description: 'When pods may be restarted. Changing it restarts nothing.',
    ...rules({
      rule: "self.type != 'Window' || size(self.windows) > 0",
      message: 'updatePolicy.type Window needs at least one window: add one to updatePolicy.windows',
      fieldPath: '.windows',
    }),
  },
)
export type UpdatePolicy = Static<typeof updatePolicy>

export const networkPolicy = stringEnum(['Restricted', 'None'], {
  default: 'Restricted',
  description:
    'Who may connect to the pods, and to whom they may. Restricted: NetworkPolicies leave open what the platform needs and nothing else; a pod of yours in the same namespace opens its own way with the label client.supersmartmatch.io/<name of the DataStore or pooler>: "true"; see docs/network.md. None: the operator makes no NetworkPolicies, and takes away those it made. Default Restricted. Changing it restarts nothing.',
})

export const paused = Type.Boolean({
  default: false,
  description:
    'Stops all work on this object: nothing is changed, repaired or reported until it is false again; what runs goes on running. The annotation supersmartmatch.io/pause-reconciliation: "true" does the same, and so does any other value but "false". Default false. Changing it restarts nothing.',
})

export const hibernate = (of: string) =>
  Type.Boolean({
    default: false,
    description: `Stops every pod of ${of} and keeps its volumes, credentials and settings; false starts it again with its data. Default false. Changing it stops or starts the pods.`,
  })

const replicasOptions = (of: string, byDefault: string) => ({
  minimum: 1,
  maximum: 9,
  description: `Copies of ${of}, each on a volume of its own. Default ${byDefault}. More are added one after the other; fewer are refused while that could lose data, unless approved. Of PostgreSQL one is primary, the others follow it and take over when it fails. Changing it restarts no member that stays.`,
})
export const replicas = Type.Integer({ default: 1, ...replicasOptions('the store', '1') })
/** The same where `spec.profile` says what is left out. */
export const replicasByProfile = (of: string) => Type.Integer(replicasOptions(of, 'by spec.profile'))

const shardsOptions = (byDefault: string) => ({
  minimum: 1,
  maximum: 100,
  description: `Parts that the data is split into, each with \`replicas\` copies; only for engines that split their data. Default ${byDefault}. Changing it adds pods and moves data to them; fewer are refused unless approved, because they could lose data.`,
})
export const shards = Type.Integer({ default: 1, ...shardsOptions('1') })
export const shardsByProfile = Type.Integer(shardsOptions('by spec.profile'))

export const parameters = Type.Record(Type.String(), Type.String({ maxLength: 1024 }), {
  default: {},
  maxProperties: 200,
  description:
    'Settings of the engine by their own names, values as strings; see docs/reference/<engine>-parameters.md for those that are refused and why. An unknown name or a bad value is refused (SpecValid) before anything changes. A change is a reload where the engine allows it, otherwise a rolling restart: replicas first, then a switchover.',
})

export const pgHba = Type.Array(Type.String({ minLength: 1, maxLength: 512 }), {
  default: [],
  maxItems: 100,
  description:
    'For PostgreSQL only: lines of pg_hba.conf that come before the operator’s last one (hostssl all all all scram-sha-256). Only hostssl and hostnossl … reject lines are accepted: no connection without TLS. Default: none. A change is a reload.',
})

export const replication = stringEnum(['Synchronous', 'Asynchronous'], {
  default: 'Synchronous',
  description:
    'For PostgreSQL only. Synchronous: a commit is acknowledged when a replica has it too, as long as there is one; nothing acknowledged is lost in a failover. Asynchronous: faster, and a failover may lose the last commits (at most 1 MiB of WAL). Without replicas it changes nothing. Default Synchronous. A change is a reload. With mode external any other is refused.',
})

export const deletionPolicy = stringEnum(['Retain', 'Delete', 'DoNotTerminate'], {
  default: 'Retain',
  description:
    'What happens when the object is deleted. Retain: pods go; volumes, credentials and CA stay and are adopted when an object of the same name comes back. Delete: these go too, for good. DoNotTerminate: the deletion is refused until this field is changed. Default Retain. Changing it restarts nothing.',
})

/** Whose certificates cert-manager is asked for. */
export const issuerRef = (more: string) =>
  Type.Optional(
    Type.Object(
      {
        name: localName({ description: 'Name of the issuer.' }),
        kind: Type.String({
          default: 'Issuer',
          maxLength: 63,
          pattern: '^[A-Z][A-Za-z0-9]*$',
          description:
            'Issuer, in the namespace of this object, or ClusterIssuer; with another group what that has. Default Issuer.',
        }),
        group: Type.String({
          default: certManager,
          minLength: 1,
          maxLength: 253,
          pattern: '^[a-z0-9]([-a-z0-9.]*[a-z0-9])?$',
          description: `API group of the issuer. Default ${certManager}; others are those of external issuers.`,
        }),
      },
      {
        description: `Issuer of cert-manager that signs the server certificates, instead of a CA of the operator’s own. It must give its CA with each certificate (ca.crt), as CA and Vault issuers do; ACME issuers give none, SelfSigned ones another each time, and both are refused (CertificateUnusable). Until the first certificate is there, what runs goes on with the one it has. ${more}Changing it to an issuer with another CA restarts the pods; clients need the new ca.crt of their binding. See docs/certificates.md.`,
        ...rules({
          rule: `self.group != '${certManager}' || self.kind in ['Issuer', 'ClusterIssuer']`,
          message: `kind must be Issuer or ClusterIssuer: group ${certManager} has no other issuers`,
          fieldPath: '.kind',
        }),
      },
    ),
  )

/** A list or map in CEL. */
export const cel = (value: unknown) => JSON.stringify(value).replaceAll('"', "'")

/** Fields whose issue is still open: accepted by the schema so that the refusal is a sentence of ours (decision 20). */
export const later = (about: string) => Type.Optional(anyObject(`${about} Not built yet: setting it is refused.`))
export const laterRules = (names: readonly string[]): CelRule[] =>
  names.map((name) => ({
    rule: `!has(self.${name})`,
    message: `${name} is not built yet: leave it out`,
    fieldPath: `.${name}`,
  }))

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

export const phases = [
  'Pending',
  'Creating',
  'Ready',
  'Updating',
  'Hibernated',
  'Degraded',
  'Failed',
  'Deleting',
] as const
export type Phase = (typeof phases)[number]
export const phase = stringEnum(phases, {
  description: 'One word for people; derived from the conditions, read by no code.',
})

/**
 * The status of an object that nobody has looked at: the CRDs' default, because kstatus, and Helm 4 with it, takes an object without
 * conditions for one that is done. Generations begin at 1.
 */
export const unseenStatus: { observedGeneration: number; phase: Phase; conditions: Condition[] } = {
  observedGeneration: 0,
  phase: 'Pending',
  conditions: [],
}

/** A custom resource of ours as the API server returns it. */
export interface Resource<Spec, Status> {
  apiVersion: string
  kind: string
  metadata: ObjectMeta
  spec: Spec
  status?: Status
  [field: string]: unknown
}
