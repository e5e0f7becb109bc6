import { globSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import pg from 'pg'
import ts from 'typescript'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { fillCore, idOf } from '../../../migrations/core/testing/many.ts'
import { transaction } from '../../../migrations/testing/database.ts'
import { explainAll, largeTables, scans } from '../../../migrations/testing/plans.ts'
import { databaseRoles, roles } from '../../chassis/roles.ts'
import type { Role } from '../../chassis/roles.ts'
import type { Db, PostgresStore } from '../../chassis/stores/postgres.ts'
import { addUser, startCore } from './core.ts'
import type { TestCore, TestDatabase, TestUser } from './core.ts'

/**
 * Every query of the core service, as every role that may make it, with 200,000 rows in each table: by which plan it ran. A query that
 * no request below reaches fails the test, and so does an operation of the API that a role may call and no request calls.
 */
const rows = 200_000
const services = join(import.meta.dirname, '../..')

let core: TestCore
let client: pg.Client
let large: Set<string>
let users: Record<Role, TestUser>
let newcomer: TestUser
/** `file:line` of each query of the services that ran. */
const reached = new Set<string>()

/** One connection, so that it can be explained, and transactions as the production store makes them. */
async function explainedStore({ endpoint }: TestDatabase): Promise<PostgresStore> {
  const { config } = await endpoint()
  const url = new URL(process.env['TEST_POSTGRES_URL'] ?? '')
  url.pathname = `/${config.database}`
  client = new pg.Client({ connectionString: url.href })
  await client.connect()
  const query = async (text: string, values: unknown[] = []) =>
    (await client.query<Record<string, unknown>>(text, values)).rows
  const db: Db = {
    query: (text, values) => {
      reached.add(caller())
      return query(text, values) as never
    },
  }
  return {
    transaction: ({ role, userId }, work) => transaction(query, databaseRoles[role], userId, () => work(db)),
    answers: () => Promise.resolve(true),
    pool: () => ({ total: 1, idle: 1, waiting: 0 }),
    close: () => client.end(),
  }
}

/** Where Db.query was called: two frames up. Routes are loaded by Node itself, whose frames are URLs. */
function caller(): string {
  const frame = new Error().stack?.split('\n')[3] ?? ''
  const [, file = '', line] = /\(?((?:file:)?\/[^()]*):(\d+):\d+\)?$/.exec(frame) ?? []
  return `${relative(services, file.startsWith('file:') ? fileURLToPath(file) : file)}:${line}`
}

beforeAll(async () => {
  core = await startCore(explainedStore)
  const { admin } = core.database
  const single = await admin.connect()
  await fillCore(async (sql, values) => (await single.query<Record<string, unknown>>(sql, values)).rows, rows)
  await single.query('REFRESH MATERIALIZED VIEW skill_demand')
  single.release()
  const ids = await admin.query<{ candidate: string; recruiter: string }>(
    `SELECT ${idOf('user', '1')} AS candidate, ${idOf('recruiter', '2')} AS recruiter`,
  )
  const [{ candidate, recruiter } = { candidate: '', recruiter: '' }] = ids.rows
  users = {
    candidate: { userId: candidate, role: 'candidate' },
    recruiter: { userId: recruiter, role: 'recruiter' },
    admin: await addUser(core.database, 'admin'),
  }
  newcomer = await addUser(core.database, 'candidate')
  large = await largeTables(client)
}, 900_000)
afterAll(() => core.close())

type Request = [user: TestUser, method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE', url: string, body?: object]

/** Lists with each filter alone, for one row in many and for none, with all at once, and the page after the first. */
async function requests(): Promise<Request[]> {
  const id = async (sql: string) => (await core.database.admin.query<{ id: string }>(`SELECT ${sql} AS id`)).rows[0]?.id
  const [candidate, company, job, skill, another] = await Promise.all(
    [idOf('candidate', '1'), idOf('company', '1'), idOf('job', '1'), idOf('skill', '1'), idOf('skill', '2')].map(id),
  )
  const lists = [
    ...['', 'q=w4999', 'q=ja', 'q=of', 'category=tool', 'q=cloud&category=technical'].map((query) => `skills?${query}`),
    ...['onsite', 'none', `onsite&skillId=${skill}`, 'onsite&month=2000-01'].map(
      (query) => `skills/demand?region=${query}`,
    ),
    ...['', 'industry=industry%207', 'companySize=large', 'industry=none&companySize=small'].map(
      (query) => `companies?${query}`,
    ),
    ...[
      ...[
        '',
        `companyId=${company}`,
        `skillId=${skill}`,
        'status=draft',
        'status=cancelled',
        'employmentType=internship',
      ],
      ...['seniorityLevel=executive', 'remotePolicy=full', `skillId=${skill}&status=draft&seniorityLevel=mid`],
      `companyId=${company}&status=active&employmentType=full-time&remotePolicy=no`,
    ].map((query) => `jobs?${query}`),
    ...['candidates?', `candidates/${candidate}/skills?`],
  ]
  const reads = [
    ...[`skills/${skill}`, `companies/${company}`, `jobs/${job}`, `candidates/${candidate}`],
    `candidates/${candidate}/matches?limit=100`,
  ]
  const posting = {
    ...{ companyId: company, title: 'Baker', employmentType: 'full-time', description: 'Bakes.' },
    workLocation: { type: 'onsite' },
    requiredSkills: [{ skillId: skill, requirementType: 'required' }],
  }
  const all: Request[] = roles.flatMap((role) =>
    [...lists, ...reads].map((url): Request => [users[role], 'GET', `/v1/${url}`]),
  )
  for (const user of [users.recruiter, users.admin]) {
    all.push(
      [user, 'POST', '/v1/companies', { name: `Company of a ${user.role}` }],
      [user, 'PATCH', `/v1/companies/${company}`, { industry: 'Food' }],
      [user, 'POST', '/v1/jobs', posting],
      [user, 'PATCH', `/v1/jobs/${job}`, { title: 'Cook' }],
      [user, 'PATCH', `/v1/jobs/${job}`, { status: 'paused', requiredSkills: posting.requiredSkills }],
    )
  }
  all.push([newcomer, 'POST', '/v1/candidates', { firstName: 'Zoé' }])
  for (const user of [users.candidate, users.admin]) {
    all.push(
      [
        user,
        'PATCH',
        `/v1/candidates/${candidate}`,
        { currentTitle: `Title by ${user.role}`, profileVisibility: 'public' },
      ],
      [user, 'PUT', `/v1/candidates/${candidate}/skills/${another}`, { level: 3 }],
      [user, 'PATCH', `/v1/candidates/${candidate}/skills/${another}`, { level: 4 }],
      [user, 'DELETE', `/v1/candidates/${candidate}/skills/${another}`],
    )
  }
  return all
}

/** Operations of the API that each role may call, as `role METHOD /path`. */
function operations(): string[] {
  const { paths } = core.app.swagger() as unknown as {
    paths: Record<string, Record<string, { security?: { bearer: Role[] }[] }>>
  }
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).flatMap(([method, { security }]) =>
      (security?.[0]?.bearer ?? []).map((role) => `${role} ${method.toUpperCase()} ${path.replace(/\/$/, '')}`),
    ),
  )
}

const shapeOf = (url: string) => url.replace(/\?.*/, '').replace(/\/[0-9a-f-]{36}/g, '/{}')

/** `file:line` of each call of a Db's query in the services' source. */
function queries(): string[] {
  const files = globSync('**/*.ts', { cwd: services, exclude: ['**/test/**', '**/demo/**'] })
  return files.flatMap((name) => {
    const source = ts.createSourceFile(name, readFileSync(join(services, name), 'utf8'), ts.ScriptTarget.Latest)
    const found: string[] = []
    const visit = (node: ts.Node): void => {
      if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
        const { name: method, expression } = node.expression
        if (method.text === 'query' && expression.getText(source) === 'db') {
          found.push(`${name}:${source.getLineAndCharacterOfPosition(method.getStart(source)).line + 1}`)
        }
      }
      ts.forEachChild(node, visit)
    }
    visit(source)
    return found
  })
}

test('no query of the service reads a large table from one end to the other', { timeout: 600_000 }, async () => {
  const taken = await explainAll(client)
  const found: Record<string, string[]> = {}
  let explained = 0
  const send = async ([user, method, url, body]: Request) => {
    const answer = await core.as(user, method, url, body)
    const name = `${user.role} ${method} ${url}`
    expect(answer.status, `${name}: ${JSON.stringify(answer.body)}`).toBeLessThan(300)
    const statements = taken()
    explained += statements.length
    const read = scans(statements, large)
    if (read.length > 0) found[name] = read
    return answer.body
  }
  const sent = await requests()
  for (const request of sent) {
    const body = await send(request)
    const [user, method, url] = request
    if (body?.nextCursor) await send([user, method, `${url}&cursor=${encodeURIComponent(body.nextCursor)}`])
  }
  expect(found).toEqual({})
  expect(explained).toBeGreaterThan(sent.length)

  const called = new Set(sent.map(([{ role }, method, url]) => `${role} ${method} ${shapeOf(url)}`))
  expect(operations().filter((operation) => !called.has(operation.replace(/\{\w+\}/g, '{}')))).toEqual([])
  expect(queries().length).toBeGreaterThan(20)
  expect(queries().filter((query) => !reached.has(query))).toEqual([])
})
