import { createHash } from 'node:crypto'
import { replicationRole } from '../../data-store/names.ts'

export const admin = 'admin'
export const replication = replicationRole
export const monitoring = 'monitoring'
export const owner = 'owner'
export const app = 'app'

/** What cluster clients ask for to find their way. */
const wayfinding = '+info +cluster|slots +cluster|shards +cluster|nodes +cluster|info +cluster|myid +cluster|links'

/** Rights of each login, as ACL rules: a new user of Redis has none. */
// prettier-ignore
const rights: Record<string, string> = {
  [admin]: '~* &* +@all',
  // Copies its master, and what a pod does about itself: probes, the hand-over before it stops, reading the file of logins again.
  [replication]: '+psync +replconf +ping +info +cluster|failover +acl|load',
  // No `config|get`: it would print the password of the replication login.
  [monitoring]: `+ping +dbsize +latency +slowlog|get +slowlog|len +memory|stats +memory|doctor +client|list +client|id +client|setname +client|setinfo +acl|whoami +command ${wayfinding}`,
  // Everything in the data and functions; who is in the cluster, settings and logins are the operator's. MIGRATE could carry keys to servers elsewhere.
  [owner]: `~* &* +@all -@admin -migrate +latency +slowlog|get +slowlog|len +client|list +client|kill ${wayfinding}`,
  // No command that stops the server for others or sees the keys of all: keys, flushall, sort. Functions are the owner's to load.
  [app]: `~* &* +@all -@admin -@dangerous -function ${wayfinding}`,
}

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex')

/** Passwords of Secrets are long and random: a plain digest of one tells nothing. */
function userLines(passwords: Record<string, string>): string[] {
  const known = Object.entries(rights).flatMap(([login, rules]) => {
    const password = passwords[login]
    return password === undefined ? [] : [`user ${login} on #${sha256(password)} ${rules}`]
  })
  return ['user default off resetpass resetkeys resetchannels -@all', ...known]
}

/**
 * A user that nobody can be: its name says which file a server has read. `ACL LIST` prints rules differently from how they were
 * written, and from version to version, so they cannot be compared.
 */
export const revisionUser = (passwords: Record<string, string>) =>
  `revision:${sha256(userLines(passwords).join('\n')).slice(0, 16)}`

/** `users.acl` for Redis' aclfile, and `replication.conf` with the login by which copies reach their master. */
export function loginFiles(passwords: Record<string, string>): Record<string, string> {
  const lines = [...userLines(passwords), `user ${revisionUser(passwords)} off`]
  return {
    'users.acl': `${lines.join('\n')}\n`,
    'replication.conf': `masteruser ${replication}\nmasterauth ${passwords[replication] ?? ''}\n`,
  }
}
