import { group } from './schema/common.ts'

/*
 * Where an engine without a place for it keeps the period that the operator brought into force. Migrations go by these: what carries one
 * is no longer theirs to say.
 */

/** Key in the metadata of a NATS stream: the period that its max_age comes from, as `keep` of a rule says it. */
export const keepOfStream = `${group}/keep`

/** Name of the component template of Elasticsearch whose `_meta` is a RetiredIndices. @param prefix  how names of the store's indices begin */
export const retiredTemplate = (prefix: string) => `${prefix}-retention`

/** How long earlier versions of an index stay. */
export interface RetiredIndices {
  keep: string
  /** None goes, however old. */
  hold: boolean
}
