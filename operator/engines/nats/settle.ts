import { createHash } from 'node:crypto'
import { names } from '../../data-store/names.ts'
import type { Node, Plan, Settled, Target } from '../engine.ts'
import { runningMetadata } from './config.ts'
import { digestOfLogins } from './logins.ts'
import { NatsError, withConnection, type Connection } from './protocol.ts'

type Metadata = Record<string, string>

interface Answer {
  server?: { metadata?: Metadata }
  error?: { description?: string }
}

/**
 * Has servers read their files again when those hold more than they have taken over. A server says in its metadata what that is, and
 * shows its certificate.
 */
export async function settle(
  nodes: Node[],
  plan: Plan,
  passwords: Record<string, string>,
  signal: AbortSignal,
): Promise<Settled> {
  const wanted = runningMetadata(plan, digestOfLogins(plan, passwords))
  const reachable = nodes.flatMap(({ name, target, certificate }) => (target ? { name, target, certificate } : []))
  // One that does not answer holds up none of the others.
  const results = await Promise.allSettled(reachable.map((node) => settleNode(node, wanted, signal)))
  const failure = results.find((result) => result.status === 'rejected')
  if (failure) throw explained(failure.reason, plan)
  return merge(results.flatMap((result) => (result.status === 'fulfilled' ? result.value : [])))
}

/** Who may log in is read again by order of a login; one that the server has never read cannot give it. */
function explained(error: unknown, { store: { metadata } }: Plan): unknown {
  if (!(error instanceof NatsError) || !/authorization/i.test(error.message)) return error
  const secret = names.superuserSecret(metadata.name)
  return new Error(
    `a pod knows another password of the operator than Secret ${secret} has: delete the pods one by one, each reads the new one when it starts`,
  )
}

interface ReachableNode {
  name: string
  target: Target
  certificate: string
}

async function settleNode(
  { name, target, certificate }: ReachableNode,
  wanted: Metadata,
  signal: AbortSignal,
): Promise<Settled> {
  return withConnection(target, signal, async (connection) => {
    const before = await metadataOf(connection)
    const showsAnother = connection.certificate !== certificate
    if (differences(before, wanted).length === 0 && !showsAnother) return { changed: [] }
    await reload(name, connection)
    const missing = differences(await metadataOf(connection), wanted)
    const changed = differences(before, wanted).filter((phrase) => !missing.includes(phrase))
    const outdated = { [name]: digestOf([wanted, certificate]) }
    // A certificate is on its way for a minute, and serves until then: nothing waits for it.
    if (missing.length === 0) return showsAnother ? { changed, outdated } : { changed }
    return { changed, outdated, waiting: `${name} has not read its new files yet: ${missing.join(', ')}` }
  })
}

async function metadataOf(connection: Connection): Promise<Metadata> {
  return (await ask(connection, 'HEALTHZ', { 'js-server-only': true })).server?.metadata ?? {}
}

async function reload(name: string, connection: Connection): Promise<void> {
  const { error } = await ask(connection, 'RELOAD')
  if (error) throw new Error(`${name} does not take its new configuration: ${error.description}`)
}

async function ask({ info, request }: Connection, what: string, question?: object): Promise<Answer> {
  const answer = (await request(`$SYS.REQ.SERVER.${info.server_id}.${what}`, question)) as Answer | undefined
  if (!answer) throw new Error(`nobody answers ${what}: the login is not one of the system account`)
  return answer
}

/** `max_payload: 1048576 → 2097152`; of logins only that they changed. */
function differences(before: Metadata, wanted: Metadata): string[] {
  const keys = [...new Set([...Object.keys(before), ...Object.keys(wanted)])].sort()
  return keys
    .filter((key) => before[key] !== wanted[key])
    .map((key) => (key === 'logins' ? key : `${key}: ${before[key] ?? 'default'} → ${wanted[key] ?? 'default'}`))
}

function merge(all: Settled[]): Settled {
  const waiting = all.find((settled) => settled.waiting !== undefined)?.waiting
  return {
    changed: [...new Set(all.flatMap(({ changed }) => changed))],
    outdated: Object.assign({}, ...all.map(({ outdated }) => outdated)) as Record<string, string>,
    ...(waiting === undefined ? {} : { waiting }),
  }
}

const digestOf = (value: unknown) => createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)
