/** `make token`: prints a 15-minute token of the demo platform. */
import { parseArgs } from 'node:util'
import { issueToken } from './issue-token.ts'
import { fail } from './kubectl.ts'
import { demoPerson } from './synthesize.ts'

const roles = ['candidate', 'recruiter', 'admin'] as const
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

const { values } = parseArgs({ options: { role: { type: 'string' }, user: { type: 'string' } } })
const role = roles.find((known) => known === values.role)
if (!role) fail(`ROLE must be one of ${roles.join(', ')}, not "${values.role ?? ''}": make token ROLE=candidate`)
if (values.user !== undefined && !uuid.test(values.user)) fail(`USER must be a user id (a UUID), not "${values.user}"`)
// The service compares user ids as text, in lower case.
const userId = values.user?.toLowerCase() ?? demoPerson(role, 1).userId
console.log(await issueToken(role, userId).catch(fail))
