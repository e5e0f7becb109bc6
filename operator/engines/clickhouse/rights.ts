import type { Plan, Target } from '../engine.ts'
import { ask, ServerError } from './client.ts'

/** To make tables and views in the database, fill, read, change and drop them. */
const needed = ['SELECT', 'INSERT', 'CREATE TABLE', 'CREATE VIEW', 'ALTER TABLE', 'DROP TABLE', 'DROP VIEW', 'TRUNCATE']

/** What a login that is everybody's may not do in the database: a profile that only reads, and each missing grant. */
export async function missingRights(target: Target, _plan: Plan, signal: AbortSignal): Promise<string[]> {
  const answerTo = async (statement: string) => (await ask(target, statement, signal)).text.trim()
  const on = `${quoted(target.database)}.*`
  const readonly = await answerTo(`SELECT getSetting('readonly')`)
  const problems = readonly === '0' ? [] : [`writing: setting readonly is ${readonly} in its profile`]
  const isGranted = async (what: string) => (await answerTo(`CHECK GRANT ${what} ON ${on}`)) === '1'
  try {
    if (await isGranted(needed.join(', '))) return problems
    for (const right of needed) if (!(await isGranted(right))) problems.push(`${right} ON ${on}`)
  } catch (error) {
    // A server older than CHECK GRANT cannot tell.
    if (!(error instanceof ServerError && error.code === syntaxError)) throw error
  }
  return problems
}

const syntaxError = 62

const quoted = (name: string) => (/^[A-Za-z_]\w*$/.test(name) ? name : `\`${name.replace(/[\\`]/g, '\\$&')}\``)
