import type { KubeObject } from '../../../crds/object.ts'
import type { DataStore } from '../../../crds/schema/data-store.ts'
import { keepSecret, writeSecret } from '../../credentials.ts'
import { names, poolerRole } from '../../data-store/names.ts'
import { identityOf } from '../../data-store/observe.ts'
import { labels } from '../../labels.ts'
import type { Outcome } from '../../reconcile/outcome.ts'
import { randomPassword, secretValue } from '../../secrets.ts'
import { names as clusterNames } from '../names.ts'
import { findSecret, type Context } from '../observe.ts'

/**
 * PgBouncer has one password for its own login, whatever database it asks. Every pooled store gets the same before its controller
 * would make one; one that was lost comes back as it was, so that neither pooler nor databases notice.
 */
export async function sharePoolerPassword(context: Context, stores: KubeObject[]): Promise<Outcome | undefined> {
  const secrets = stores.map((store) => {
    const name = names.poolerSecret(store.metadata.name)
    return { store: store as DataStore, name, password: secretValue(findSecret(context, name), 'password') }
  })
  const inUse = secretValue(findSecret(context, clusterNames.pooler(context.cluster.metadata.name)), 'auth-password')
  const password = inUse ?? secrets.find((secret) => secret.password)?.password ?? randomPassword()
  for (const { store, name, password: found } of secrets) {
    if (found === password) continue
    const metadata = { name, namespace: context.namespace, labels: labels(identityOf(store)) }
    const values = { username: poolerRole, password }
    const refused =
      found === undefined
        ? await keepSecret(context.tools, metadata, () => values)
        : await writeSecret(context.tools, metadata, values)
    if (refused) return refused
  }
  return undefined
}
