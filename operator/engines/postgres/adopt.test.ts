import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { requirements } from './adopt.ts'

test('what core/cluster.sql makes is found in its text', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../migrations/core/cluster.sql'), 'utf8')
  const groups = ['authenticated_users', 'recruiter_role', 'admin_role', 'authentication_role']
  const logins = ['supersmartmatch_core_app_a', 'supersmartmatch_core_app_b']
  expect(requirements(text)).toEqual({
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
  })
})
