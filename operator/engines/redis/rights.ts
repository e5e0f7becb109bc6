import type { Plan, Target } from '../engine.ts'
import { withConnection, type Connection } from './connection.ts'
import { RedisError } from './reply.ts'

/** No key of anybody's. */
const key = 'supersmartmatch:probe'

/** Each does nothing where there is no such key; Redis looks at rights before it looks for the key, or for the node that has it. */
const tried: string[][] = [
  ['GET', key],
  ['SET', key, '', 'XX'],
  ['EXPIRE', key, '1'],
  // The operator looks through keys for those that stay too long.
  ['PTTL', key],
  ['SCAN', '0', 'MATCH', key],
  ['DEL', key],
  ['EVAL', 'return 1', '1', key],
  ['PUBLISH', key, ''],
]

/** What clients of a cluster ask first. */
const wayfinding = ['CLUSTER', 'SLOTS']

/** What a login that is everybody's may not do. A login cannot ask for its own rights, but it is told what is denied. */
export function missingRights(target: Target, _plan: Plan, signal: AbortSignal): Promise<string[]> {
  return withConnection(target, signal, async (connection) => {
    const commands = connection.mode === 'cluster' ? [...tried, wayfinding] : tried
    const denials = await Promise.all(commands.map((command) => denial(connection, command)))
    return denials.filter((words) => words !== undefined)
  })
}

async function denial({ send }: Connection, command: string[]): Promise<string | undefined> {
  try {
    await send(...command)
  } catch (error) {
    if (!(error instanceof RedisError)) throw error
    // Any other error is not about rights: the key is another node's, memory is full.
    if (error.code === 'NOPERM') return nameOf(command) + why(error.message)
    if (error.code === 'READONLY') return `${nameOf(command)}: the server is a replica, which takes no writes`
  }
  return undefined
}

/** That a login may not run a command is said by its name; a condition has no room for it nine times. */
const why = (message: string) => (message.includes('to run the ') ? '' : ` (${message.replace(/^NOPERM /, '')})`)

const nameOf = (command: string[]) => (command === wayfinding ? command.join(' ') : (command[0] ?? ''))
