import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { requirements } from './adopt.ts'

const clusterSql = (schema: string) =>
  readFileSync(join(import.meta.dirname, `../../../migrations/${schema}/cluster.sql`), 'utf8')

test('what core/cluster.sql makes is found in its text', () => {
  const groups = ['authenticated_users', 'recruiter_role', 'admin_role', 'authentication_role']
  const logins = ['supersmartmatch_core_app_a', 'supersmartmatch_core_app_b']
  expect(requirements(clusterSql('core'))).toEqual({
    roles: [
      'supersmartmatch_core_owner',
      ...logins,
      'matching_definer',
      ...groups,
      'outbox_worker',
      'analytics',
      'pgbouncer_auth',
    ],
    memberships: [
      { group: 'matching_definer', member: 'supersmartmatch_core_owner' },
      ...groups.flatMap((group) => logins.map((member) => ({ group, member }))),
    ],
    extensions: ['pgcrypto', 'unaccent', 'pg_trgm'],
    lookUp: true,
  })
})

test('a store that no pooler leads to needs nothing for one', () => {
  expect(requirements(clusterSql('vault'))).toMatchObject({ extensions: [], lookUp: false })
})
