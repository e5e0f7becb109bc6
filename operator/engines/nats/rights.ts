import { randomBytes } from 'node:crypto'
import type { Plan, Target } from '../engine.ts'
import { withConnection } from './protocol.ts'

/**
 * To make and change streams and consumers, and to read the ledger of migrations. Publishing and subscribing are the matter of subjects
 * that only an application knows.
 */
const needed = [
  'STREAM.INFO',
  'STREAM.MSG.GET',
  'STREAM.CREATE',
  'STREAM.UPDATE',
  'STREAM.DELETE',
  'CONSUMER.CREATE',
  'CONSUMER.DELETE',
]
/** The ledger's key-value bucket: see migrations/runner/nats.ts. */
const ledger = '$KV.schema_migrations'

/**
 * What a login that is everybody's may not ask of JetStream. It is asked about a stream that nobody has, and in a way that makes none:
 * JetStream refuses, and what may not be asked has no answer.
 */
export function missingRights(target: Target, _plan: Plan, signal: AbortSignal): Promise<string[]> {
  const stream = `supersmartmatch_${randomBytes(8).toString('hex')}`
  return withConnection(target, signal, async ({ request, mayPublish }) => {
    const missing: string[] = []
    for (const api of needed) {
      const subject = `$JS.API.${api}.${stream}${api === 'CONSUMER.DELETE' ? '.none' : ''}`
      // One after the other: a refusal does not say which question it answers.
      if ((await request(subject)) === undefined) missing.push(`publishing to $JS.API.${api}.>`)
    }
    if (!(await mayPublish(`${ledger}.rights`))) missing.push(`publishing to ${ledger}.>`)
    return missing
  })
}
