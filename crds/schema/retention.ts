import Type from 'typebox'
import { periodPattern, retentionRules, schemasWithPeople } from '../retention.ts'
import { cel, type CelRule } from './common.ts'

const Rule = Type.Object(
  {
    keep: Type.Optional(
      Type.String({
        pattern: periodPattern,
        maxLength: 8,
        description:
          'How long: a number and y, mo, d, h, min or s, such as 2y or 90d. Default: that of the rule, in docs/reference/retention.md. Changing it restarts nothing; what a shorter one would remove is counted first, shown in status.pending, and waits for approval.',
      }),
    ),
    hold: Type.Boolean({
      default: false,
      description:
        'Legal hold: nothing of the rule is removed until it is false again. Refused for keys of the cache. Default false. Changing it restarts nothing; ending a hold under which rows came of age waits for approval.',
    }),
  },
  { description: 'What differs from the default of the rule.' },
)

const LegalHold = Type.Object({
  subject: Type.String({
    pattern: '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
    description: 'user_id of the person, in lower case. Changing it ends one hold and begins another.',
  }),
  reason: Type.String({
    minLength: 1,
    maxLength: 256,
    description: 'Why, such as the number of a case; no personal data. Changing it restarts nothing.',
  }),
})

const legalHolds = Type.Array(LegalHold, {
  default: [],
  maxItems: 256,
  'x-kubernetes-list-type': 'map',
  'x-kubernetes-list-map-keys': ['subject'],
  description:
    'People whose rows stay: every rule about people (see docs/reference/retention.md) passes over them, in every store that has such rules; status.legalHolds says how many are on hold there. Default: none. Changing it restarts nothing; ending a hold under which rows came of age waits for approval.',
})

const retention = (rules: string) =>
  Type.Object(
    {
      rules: Type.Record(Type.String(), Rule, { default: {}, maxProperties: 64, description: rules }),
      legalHolds,
    },
    {
      default: {},
      description:
        'How long data is kept; docs/reference/retention.md lists every rule with its default. What is in force and the oldest row of each rule are in status.retention. Changing it restarts nothing.',
    },
  )

export const storeRetention = retention(
  'By rule of the schema, such as job-applications: what differs from its default. Default: none. Changing it restarts nothing.',
)
export const platformRetention = retention(
  'By store and rule, such as core.job-applications: what differs from its default. Default: none. Changing it restarts nothing.',
)

const namesOf = (schema: keyof typeof retentionRules) => Object.keys(retentionRules[schema])
const schemas = Object.keys(retentionRules) as (keyof typeof retentionRules)[]
const bySchema = { ...Object.fromEntries(schemas.map((schema) => [schema, namesOf(schema)])), vault: [], none: [] }
const list = schemas.map((schema) => `${schema} has ${namesOf(schema).join(', ')}`).join('; ')

/** A hold that the next failover may break is none. */
const noHold =
  'no hold on keys of the cache: Redis holds only copies, and may lose them at any moment; put the hold on the rows that they were made from, such as core.job-applications'

/** In CEL: under which name the table has the rules of a DataStore. */
const schemaOf = "(has(self.schema) ? self.schema.name : self.engine == 'redis' ? 'cache' : 'none')"

/** Of the spec of a DataStore. */
export const storeRetentionRules: CelRule[] = [
  {
    rule: `self.retention.rules.all(rule, rule in ${cel(bySchema)}[${schemaOf}])`,
    message: `retention.rules names a rule that the store does not have: ${list}`,
    fieldPath: '.retention.rules',
  },
  {
    rule: `${schemaOf} != 'cache' || self.retention.rules.all(rule, !self.retention.rules[rule].hold)`,
    message: `retention.rules: ${noHold}`,
    fieldPath: '.retention.rules',
  },
  {
    rule: `size(self.retention.legalHolds) == 0 || ${schemaOf} in ${cel(schemasWithPeople)}`,
    message: `retention.legalHolds has no effect here, only with schema ${schemasWithPeople.join(', ')}, whose rows are somebody’s: set hold of a rule`,
    fieldPath: '.retention.legalHolds',
  },
]

/** Of the spec of a MatchingCluster. Its stores are called as their schemas. */
export const platformRetentionRules: CelRule[] = [
  {
    rule: `self.retention.rules.all(rule, rule in ${cel(schemas.flatMap((schema) => namesOf(schema).map((name) => `${schema}.${name}`)))})`,
    message: `retention.rules names a rule that there is not; <store>.<rule>: ${list}`,
    fieldPath: '.retention.rules',
  },
  {
    rule: `self.retention.rules.all(rule, !(rule in ${cel(namesOf('cache').map((name) => `cache.${name}`))}) || !self.retention.rules[rule].hold)`,
    message: `retention.rules: ${noHold}`,
    fieldPath: '.retention.rules',
  },
]

export const retentionStatus = Type.Record(
  Type.String(),
  Type.Object({
    keep: Type.String({ description: 'How long, as the store itself says: it is read back.' }),
    held: Type.Optional(Type.Boolean({ description: 'Legal hold: nothing is removed.' })),
    since: Type.String({
      format: 'date-time',
      description: 'When the operator first saw it so. Rows that are too old since then have a day to go.',
    }),
    wanted: Type.Optional(Type.String({ description: 'What the spec wants, where the store does not have it yet.' })),
    oldest: Type.Optional(
      Type.String({ description: 'Day (UTC) of the oldest row that the rule is about; absent while there is none.' }),
    ),
  }),
  { description: 'What is kept how long, by rule.' },
)
