import { group, version, type CelRule } from '../schema/common.ts'
import { structural, type StructuralSchema } from './structural.ts'

/** What crds/schema says about one kind. */
export interface KindSource {
  kind: string
  plural: string
  singular: string
  shortNames: string[]
  description: string
  spec: object
  status: object
  /** Rules over the whole object, such as the length of its name. */
  rootRules: CelRule[]
  printColumns: PrintColumn[]
}

export interface PrintColumn {
  name: string
  type: string
  jsonPath: string
  /** 0: always shown; 1: only with `-o wide`. */
  priority?: number
}

/** `kubectl get supersmartmatch` lists every kind of ours. */
const category = 'supersmartmatch'

/** The schema of a whole object of this kind, `apiVersion`, `kind` and `metadata` included. */
export function objectSchema(source: KindSource): StructuralSchema {
  const schema = structural(
    {
      type: 'object',
      description: source.description,
      required: ['spec'],
      properties: { spec: source.spec, status: source.status },
      'x-kubernetes-validations': source.rootRules,
    },
    source.kind,
  )
  // `metadata.name` is spelled out because a rule's fieldPath may only name what the schema holds.
  const metadata = { type: 'object', properties: { name: { type: 'string' } } }
  const own = { apiVersion: { type: 'string' }, kind: { type: 'string' }, metadata }
  return { ...schema, properties: { ...own, ...schema.properties } }
}

/** CustomResourceDefinition of a kind, as `kubectl apply` takes it. */
export function definition(source: KindSource, annotations?: Record<string, string>) {
  const { kind, plural, singular, shortNames } = source
  return {
    apiVersion: 'apiextensions.k8s.io/v1',
    kind: 'CustomResourceDefinition',
    metadata: {
      name: `${plural}.${group}`,
      labels: { 'app.kubernetes.io/part-of': 'supersmartmatch' },
      ...(annotations ? { annotations } : {}),
    },
    spec: {
      group,
      scope: 'Namespaced',
      names: { kind, listKind: `${kind}List`, plural, singular, shortNames, categories: [category] },
      versions: [
        {
          name: version,
          served: true,
          storage: true,
          subresources: { status: {} },
          additionalPrinterColumns: source.printColumns,
          schema: { openAPIV3Schema: objectSchema(source) },
        },
      ],
    },
  }
}
