import Type, { type Static } from 'typebox'
import type { Format } from './files.ts'
import { readJson } from './json-file.ts'

/*
 * A file is one version of one index: settings and mappings, whole. Applying it makes the index `<store>-<index>_v<version>`, fills it
 * from the version that the alias `<store>-<index>` names, and lets the alias name it.
 */

const File = Type.Object(
  {
    about: Type.String({ minLength: 1 }),
    breaking: Type.Optional(Type.Boolean()),
    index: Type.String({ pattern: '^[a-z][a-z0-9]*$' }),
    version: Type.Integer({ minimum: 1 }),
    /** The version before goes with the first apply after that many days, where no operator says how long it stays. */
    keep_days: Type.Integer({ minimum: 1 }),
    settings: Type.Record(Type.String(), Type.Unknown()),
    mappings: Type.Object({ dynamic: Type.Literal('strict'), properties: Type.Record(Type.String(), Type.Unknown()) }),
  },
  { additionalProperties: false },
)
export type IndexVersion = Static<typeof File>

/** template, index, documents, alias */
const steps = 4

export const formatOfElasticsearch: Format = {
  extension: 'json',
  read(text, refuse) {
    const { breaking = false } = readJson(File, text, refuse)
    return { breaking, destructive: false, statements: steps }
  },
}

/** What a file says that `formatOfElasticsearch` has let through. */
export const indexVersion = (text: string) => JSON.parse(text) as IndexVersion
