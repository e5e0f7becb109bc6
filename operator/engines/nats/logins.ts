import { createHash } from 'node:crypto'
import type { DataStore } from '../../../crds/schema/data-store.ts'
import type { Plan } from '../engine.ts'
import { conf, type Value } from './conf.ts'
import { loginsDigest, loginsFile, systemAccount } from './config.ts'

export const adminUser = 'operator'
export const monitoringUser = 'monitoring'
export const bindingUsers = { owner: 'owner', app: 'app' } as const

/** The account that holds a store's subjects and streams. Of a server of somebody else's: the one of all that has no accounts. */
export const accountOf = ({ spec, metadata }: Pick<DataStore, 'spec' | 'metadata'>) =>
  spec.mode === 'external' ? '$G' : metadata.name

/**
 * What each login may do; nothing is allowed to anybody else, and nobody comes in without a login. Passwords stand as they are: they are
 * 256 random bits, which nobody guesses, and a bcrypt check of each would take a core for a second when a hundred clients come back.
 */
function accounts(plan: Plan, passwords: Record<string, string>): Record<string, Value> {
  const user = (name: string, permissions?: Record<string, Value>) => {
    const password = passwords[name]
    if (!password) throw new Error(`login ${name} has no password`)
    return { user: name, password, ...(permissions ? { permissions } : {}) }
  }
  return {
    [systemAccount]: {
      users: [user(adminUser, operating), user(monitoringUser, monitoring)],
    },
    [accountOf(plan.store)]: {
      jetstream: true,
      users: [user(bindingUsers.owner), user(bindingUsers.app, using)],
    },
  }
}

const inbox = '_INBOX.>'

/** The operator asks one server about itself, and to read its files again. */
const operating = {
  publish: ['HEALTHZ', 'RELOAD'].map((request) => `$SYS.REQ.SERVER.*.${request}`),
  subscribe: [inbox],
}

/** Everything that only tells; no reload, no profile of the process, no client sent away. */
const monitoring = {
  publish: [
    '$SYS.REQ.SERVER.PING',
    ...['VARZ', 'CONNZ', 'SUBSZ', 'ROUTEZ', 'ACCOUNTZ', 'STATSZ', 'JSZ', 'HEALTHZ', 'RAFTZ'].map(
      (request) => `$SYS.REQ.SERVER.*.${request}`,
    ),
    ...['CONNZ', 'SUBSZ', 'JSZ', 'INFO', 'STATZ'].map((request) => `$SYS.REQ.ACCOUNT.*.${request}`),
  ],
  subscribe: [inbox, '$SYS.ACCOUNT.>', '$SYS.SERVER.>'],
}

/**
 * `app` publishes, subscribes and consumes on what is there. Making, changing and emptying streams and consumers is the owner's. A deny
 * list, because no pattern means "every subject that does not begin with $JS": what is not named here only reads, pulls or acknowledges.
 */
const using = {
  publish: {
    allow: ['>'],
    deny: [
      ...[
        'CREATE',
        'UPDATE',
        'DELETE',
        'PURGE',
        'SNAPSHOT',
        'RESTORE',
        'MSG.DELETE',
        'PEER',
        'LEADER',
        'CANCEL_MOVE',
      ].map((request) => `$JS.API.STREAM.${request}.>`),
      ...['CREATE', 'DURABLE', 'DELETE', 'PAUSE', 'RESET', 'UNPIN', 'PEER', 'LEADER'].map(
        (request) => `$JS.API.CONSUMER.${request}.>`,
      ),
      ...['META', 'SERVER', 'ACCOUNT'].map((request) => `$JS.API.${request}.>`),
      '$JS.SNAPSHOT.>',
      // Which migrations there are.
      '$KV.schema_migrations.>',
      '$SYS.REQ.ACCOUNT.>',
      '$SYS.REQ.SERVER.>',
    ],
  },
  // Who hears requests to JetStream could answer them in its place.
  subscribe: { allow: ['>'], deny: ['$JS.API.>', '$SYS.>'] },
}

/** logins.conf, and the digest by which a server tells that it has read it. */
export function loginFiles(plan: Plan, passwords: Record<string, string>): Record<string, string> {
  const text = conf({ accounts: accounts(plan, passwords) })
  return { [loginsFile]: conf({ [loginsDigest]: digestOf(text) }) + text }
}

export function digestOfLogins(plan: Plan, passwords: Record<string, string>): string {
  return digestOf(conf({ accounts: accounts(plan, passwords) }))
}

const digestOf = (text: string) => createHash('sha256').update(text).digest('hex').slice(0, 16)
