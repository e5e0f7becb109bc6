import { readdirSync, readFileSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'

/*
 * What the operator wrote, by the audit log of the API server: the only witness that is not the operator itself. AUDIT_LOG names
 * the file; `make` sets it for the local cluster (local/daemons.ts has the policy). On another cluster, set it to a copy or a
 * mount of that cluster's log, which must have the operator's writes at level Metadata or above; or to `none`, and nothing is counted.
 */

export const auditLog = process.env['AUDIT_LOG']

/** One request of the operator that writes, whatever became of it. */
export interface AuditedWrite {
  verb: string
  /** `datastores`, `datastores/status` */
  resource: string
  namespace: string
  name: string
  code: number
  at: Date
}

interface AuditEvent {
  stage: string
  verb: string
  user: { username: string }
  objectRef?: { resource: string; subresource?: string; namespace?: string; name?: string }
  responseStatus?: { code?: number }
  requestReceivedTimestamp: string
}

const operator = 'system:serviceaccount:supersmartmatch-system:matching-operator'
const writing = ['create', 'update', 'patch', 'delete', 'deletecollection']

/** The operator's writes in a log of JSON lines; its Lease and its Events are not among them. A last line that is still being written is left. */
export function parseAuditLog(text: string): AuditedWrite[] {
  const events = text
    .slice(0, text.lastIndexOf('\n') + 1)
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as AuditEvent)
  return events.flatMap(({ stage, verb, user, objectRef, responseStatus, requestReceivedTimestamp }) => {
    if (stage !== 'ResponseComplete' || user.username !== operator || !writing.includes(verb) || !objectRef) return []
    const { resource, subresource, namespace = '', name = '' } = objectRef
    if (['events', 'leases'].includes(resource)) return []
    const code = responseStatus?.code ?? 0
    const path = subresource ? `${resource}/${subresource}` : resource
    return [{ verb, resource: path, namespace, name, code, at: new Date(requestReceivedTimestamp) }]
  })
}

/** What the operator wrote in a namespace since then, of objects whose names begin like this. @throws when there is no log to read */
export function writesSince(since: Date, namespace: string, prefix: string): AuditedWrite[] {
  const writes = parseAuditLog(readLog())
  return writes.filter((write) => write.at >= since && write.namespace === namespace && write.name.startsWith(prefix))
}

/** With what was rotated away: `audit-<time>.log` lies beside `audit.log`. */
function readLog(): string {
  if (!auditLog)
    throw new Error('AUDIT_LOG is not set: name the audit log of this cluster’s API server, or say AUDIT_LOG=none')
  const file = realpathSync(auditLog)
  const stem = basename(file, '.log')
  const older = readdirSync(dirname(file)).filter((name) => name.startsWith(`${stem}-`) && name.endsWith('.log'))
  return [...older.sort(), basename(file)].map((name) => readFileSync(join(dirname(file), name), 'utf8')).join('')
}

/** Requests on one object, its status apart. */
interface Tally {
  resource: string
  name: string
  count: number
  verbs: string[]
}

export function tally(writes: AuditedWrite[]): Tally[] {
  const groups = Map.groupBy(writes, ({ resource, name }) => `${resource} ${name}`)
  return [...groups.values()].map((group) => {
    const { resource = '', name = '' } = group[0] ?? {}
    return { resource, name, count: group.length, verbs: group.map(({ verb, code }) => `${verb} ${code}`) }
  })
}

/** One line per object, to be read by people. */
export function printed(tallies: Tally[]): string {
  return tallies
    .map(({ resource, name, count, verbs }) => `${String(count).padStart(4)}  ${resource} ${name}  ${verbs.join(', ')}`)
    .join('\n')
}

/** Most requests on one object from apply to Ready. A condition that moves is a patch of the status; what a MatchingCluster says of its stores moves with theirs. */
// prettier-ignore
const allowed: Record<string, number> = {
  'datastores/status':       8,
  'matchingclusters/status': 16,
  // A MatchingCluster applies it, and its finalizer is one patch.
  'datastores':              2,
}

/** Objects that were written more often than they may be. */
export function excess(tallies: Tally[]): string[] {
  return tallies
    .filter(({ resource, count }) => count > (allowed[resource] ?? 1))
    .map(({ resource, name, count }) => `${resource} ${name}: ${count} writes, ${allowed[resource] ?? 1} allowed`)
}
