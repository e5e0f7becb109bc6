/** The roles a token can carry and the database role each one acts as (rule 2 of the data model). */
export const databaseRoles = {
  candidate: 'authenticated_users',
  recruiter: 'recruiter_role',
  admin: 'admin_role',
} as const
export type Role = keyof typeof databaseRoles
export const roles = Object.keys(databaseRoles) as Role[]
