import { randomBytes } from 'node:crypto'
import type { Plan, Target } from '../engine.ts'
import { withConnection } from './protocol.ts'

/** To make and change streams and consumers. Publishing and subscribing are the matter of subjects that only an application knows. */
const needed = ['STREAM.CREATE', 'STREAM.UPDATE', 'STREAM.DELETE', 'CONSUMER.CREATE', 'CONSUMER.DELETE']
/** What migrations ask besides: what there is, and their ledger, which is a key-value bucket. See migrations/runner/nats.ts. */
const ofMigrations = ['STREAM.INFO', 'CONSUMER.INFO', 'STREAM.MSG.GET']
const ledger = '$KV.schema_migrations'
/** Their subject goes on with the name of a consumer. */
const ofConsumer = ['CONSUMER.INFO', 'CONSUMER.DELETE']

/**
 * What a login that is everybody's may not ask of JetStream. It is asked about a stream that nobody has, and in a way that makes none:
 * JetStream refuses, and what may not be asked has no answer.
 */
export function missingRights(target: Target, { store }: Plan, signal: AbortSignal): Promise<string[]> {
  const stream = `supersmartmatch_${randomBytes(8).toString('hex')}`
  return withConnection(target, signal, async ({ request, mayPublish }) => {
    const missing: string[] = []
    for (const api of store.spec.schema ? [...needed, ...ofMigrations] : needed) {
      const subject = `$JS.API.${api}.${stream}${ofConsumer.includes(api) ? '.none' : ''}`
      // One after the other: a refusal does not say which question it answers.
      if ((await request(subject)) === undefined) missing.push(`publishing to $JS.API.${api}.>`)
    }
    if (store.spec.schema && !(await mayPublish(`${ledger}.rights`))) missing.push(`publishing to ${ledger}.>`)
    return missing
  })
}
