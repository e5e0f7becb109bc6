import type { Plan } from '../engine.ts'
import { tlsFiles } from './config.ts'
import { pairs, type Connection } from './connection.ts'
import { replication, revisionUser } from './logins.ts'
import type { Live } from './moves.ts'
import { runtimeSettings } from './parameters.ts'
import { RedisError } from './reply.ts'

/*
 * What a running pod reads again: its logins, its settings and its certificate.
 */

interface Refreshed {
  /** Settings that differed. */
  changed: string[]
  problems: string[]
  /** Digests of what its files shall hold and do not yet. */
  stale: string[]
}

/** A pod that refuses a value says so and goes on. */
export async function refresh({ node, connection }: Live, plan: Plan, passwords: Record<string, string>) {
  const found: Refreshed = { changed: [], problems: [], stale: [] }
  try {
    if (!(await loadLogins(connection, passwords))) {
      found.problems.push('its files do not have the new logins yet')
      found.stale.push(revisionUser(passwords))
    }
    const { changed, missing } = await loadSettings(connection, plan, passwords)
    found.changed.push(...changed)
    found.problems.push(...missing.map((name) => `its Redis has no setting ${name}: take it off spec.parameters`))
    if (node.certificate && connection.certificate !== node.certificate) {
      // From its files, which may still be the old ones: it is compared again next time.
      await loadCertificate(connection)
      found.stale.push(node.certificate)
    }
  } catch (error) {
    if (!(error instanceof RedisError)) throw error
    found.problems.push(error.message)
  }
  return found
}

/** @returns whether the server knows the logins of now; not so while the file in its pod is older */
async function loadLogins({ send }: Connection, passwords: Record<string, string>): Promise<boolean> {
  const wanted = revisionUser(passwords)
  const hasRead = async () => ((await send('ACL', 'USERS')) as string[]).includes(wanted)
  if (await hasRead()) return true
  await send('ACL', 'LOAD')
  return hasRead()
}

/** Compares what is in force with what shall be, and sets what differs, all at once. */
async function loadSettings({ send }: Connection, plan: Plan, passwords: Record<string, string>) {
  const { parameters } = plan.store.spec
  const wanted = runtimeSettings(plan.store)
  const login = { masteruser: replication, masterauth: passwords[replication] ?? '' }
  const found = pairs(await send('CONFIG', 'GET', ...Object.keys(login), ...Object.keys(wanted)))
  const differing = Object.entries(wanted).filter(([name, value]) => found[name] !== undefined && found[name] !== value)
  const secret = Object.entries(login).filter(([name, value]) => found[name] !== value)
  if (differing.length + secret.length > 0) await send('CONFIG', 'SET', ...[...differing, ...secret].flat())
  return {
    changed: differing.map(([name, value]) => `${name}: ${found[name] || '""'} → ${value || '""'}`),
    // What the spec asks for and the image does not have; a default of ours that it does not have is none.
    missing: Object.keys(wanted).filter((name) => found[name] === undefined && parameters[name] !== undefined),
  }
}

/** Setting the names of the files has them read, also when they are the same. */
async function loadCertificate({ send }: Connection): Promise<void> {
  await send('CONFIG', 'SET', 'tls-cert-file', tlsFiles.certificate, 'tls-key-file', tlsFiles.key)
}
