import type { Plan } from '../engine.ts'
import type { Connection } from './connection.ts'
import { pairs } from './connection.ts'
import { replication, revisionUser } from './logins.ts'
import { runtimeSettings } from './parameters.ts'

/*
 * What a running pod reads again: its logins and its settings.
 */

/** @returns old: the file in the pod is not the new one yet */
export async function loadLogins(
  { send }: Connection,
  passwords: Record<string, string>,
): Promise<'same' | 'loaded' | 'old'> {
  const wanted = revisionUser(passwords)
  const hasRead = async () => ((await send('ACL', 'USERS')) as string[]).includes(wanted)
  if (await hasRead()) return 'same'
  await send('ACL', 'LOAD')
  return (await hasRead()) ? 'loaded' : 'old'
}

/** Compares what is in force with what shall be, and sets what differs, all at once. */
export async function loadSettings({ send }: Connection, plan: Plan, passwords: Record<string, string>) {
  const { parameters } = plan.store.spec
  const wanted = runtimeSettings(plan.store)
  const secret = { masteruser: replication, masterauth: passwords[replication] ?? '' }
  const found = pairs(await send('CONFIG', 'GET', ...Object.keys(secret), ...Object.keys(wanted)))
  const differing = Object.entries(wanted).filter(([name, value]) => found[name] !== undefined && found[name] !== value)
  const login = Object.entries(secret).filter(([name, value]) => found[name] !== value)
  if (differing.length + login.length > 0) await send('CONFIG', 'SET', ...[...differing, ...login].flat())
  return {
    changed: [
      ...differing.map(([name, value]) => `${name}: ${found[name] || '""'} → ${value || '""'}`),
      ...(login.length > 0 ? ['the login of copies'] : []),
    ],
    // One that the spec asks for and the image does not have; a default of ours that it does not have is none.
    problems: Object.keys(wanted)
      .filter((name) => found[name] === undefined && parameters[name] !== undefined)
      .map((name) => `its Redis has no setting ${name}: take it off spec.parameters`),
  }
}
