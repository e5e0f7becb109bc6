import { describe, expect, test } from 'vitest'
import { budgetProblem, connectionBudget, connectionLimits } from './budget.ts'
import { backend, poolerPlan, replicated } from './fixture.ts'

const core = 'supersmartmatch_core'
const reads = 'supersmartmatch_core_ro'
const appA = 'supersmartmatch_core_app_a'
const appB = 'supersmartmatch_core_app_b'

// prettier-ignore
test.each([
  ['one pod and one more during a rollout', 100,  1,  40],
  ['rounded down',                          100,  2,  26],
  ['more connections',                      500,  5,  80],
  ['never 0, which would mean no limit',    100, 200,  1],
  ['a server with fewer than the reserve',   10,  1,   1],
])('connections of one pod to one server: %s', (_name, maxConnections, replicas, expected) => {
  expect(connectionBudget(maxConnections, replicas)).toBe(expected)
})

// prettier-ignore
test.each([
  ['reads that share the server get five',            {},                                                                    [backend],    [35, 5]],
  ['or what is left',                                 { replicas: 2, parameters: { default_pool_size: '23' } },              [backend],    [23, 3]],
  ['or one, which writes then lack',                  { replicas: 3 },                                                       [backend],    [19, 1]],
  ['or what the spec says they need',                 { databases: { [reads]: { pool_size: '15' } } },                       [backend],    [25, 15]],
  ['a given limit stays',                             { databases: { [core]: { max_db_connections: '12' } } },               [backend],    [12, 5]],
  ['of reads, too',                                   { databases: { [reads]: { max_db_connections: '9' } } },               [backend],    [31, 9]],
  ['reads from replicas may end at the primary',      {},                                                                    [replicated], [20, 20]],
  ['and get what writes leave',                       { replicas: 2 },                                                       [replicated], [20, 6]],
  ['or five, which writes then lack',                 { replicas: 3 },                                                       [replicated], [15, 5]],
  ['but half of little',                              { replicas: 20 },                                                      [replicated], [2, 1]],
  ['or what the spec says they need',                 { databases: { [reads]: { pool_size: '15' }, [core]: { pool_size: '10' } } }, [replicated], [20, 20]],
  ['a given limit of theirs stays',                   { databases: { [reads]: { max_db_connections: '9' } } },               [replicated], [31, 9]],
  ['and takes nothing that writes ask for',           { databases: { [reads]: { max_db_connections: '40' } } },              [replicated], [20, 40]],
  ['a given limit of writes stays',                   { databases: { [core]: { max_db_connections: '12' } } },               [replicated], [12, 20]],
  ['the server has more connections',                 {},                                    [{ ...replicated, maxConnections: 500 }],     [120, 120]],
])('limits: %s', (_name, pooling, backends, [write, read]) => {
  expect(Object.fromEntries(connectionLimits(poolerPlan(pooling, backends)))).toEqual({ [core]: write, [reads]: read })
})

/** Two stores on one server: all databases of a server share its connections, whichever store they are of. */
const second: typeof backend = { ...backend, database: 'geo', logins: ['geo_app_a', 'geo_app_b'] }

// prettier-ignore
test.each([
  ['reads get one, writes share the rest',  {},                                                       [19, 1, 19, 1]],
  ['of the rest in proportion',             { parameters: { default_pool_size: '8' }, databases: { geo: { pool_size: '16' } } }, [10, 5, 20, 5]],
  ['a given limit stays',                   { databases: { [core]: { max_db_connections: '10' } } },  [10, 5, 20, 5]],
  ['more than there is leads to less each', { replicas: 3 },                                          [9, 1, 9, 1]],
])('limits of two stores on one server: %s', (_name, pooling, expected) => {
  const limits = connectionLimits(poolerPlan(pooling, [backend, second]))
  expect([core, reads, 'geo', 'geo_ro'].map((name) => limits.get(name))).toEqual(expected)
})

/** Never more than the server has, whatever is asked for: with limits, too high a demand only waits. */
test.each([1, 2, 3, 4, 20])('limits of all pods and one more fit the server: %i pods', (replicas) => {
  for (const backends of [[backend], [replicated], ...(replicas < 20 ? [[backend, second]] : [])])
    expectToFit(replicas, backends)
})

function expectToFit(replicas: number, backends: (typeof backend)[]): void {
  const plan = poolerPlan({ replicas, parameters: { default_pool_size: '30' } }, backends)
  const limits = [...connectionLimits(plan).values()]
  const sum = limits.reduce((total, limit) => total + limit, 0)
  expect(sum * (replicas + 1)).toBeLessThanOrEqual(100 - 20)
}

describe('what is asked for', () => {
  const asked = (pooling: Parameters<typeof poolerPlan>[0], backends = [backend]) =>
    budgetProblem(poolerPlan(pooling, backends))

  // prettier-ignore
  test.each([
    ['the defaults with one pod',           { replicas: 1 }],
    ['with two',                            { replicas: 2 }],
    ['with three',                          { replicas: 3 }],
    ['smaller pools for more pods',         { replicas: 4, parameters: { default_pool_size: '16' } }],
    ['a limit that caps the pools',         { replicas: 4, databases: { [core]: { max_db_connections: '16' } } }],
    ['reads and writes together',           { databases: { [core]: { pool_size: '20' }, [reads]: { pool_size: '20' } } }],
    ['a second login',                      { users: { [appB]: { pool_size: '20' } } }],
    ['a smaller pool of a login',           { replicas: 4, users: { [appA]: { pool_size: '16' } } }],
  ])('fits: %s', (_name, pooling) => expect(asked(pooling)).toBeUndefined())

  test('does not fit: the message has the numbers and what would', () => {
    expect(asked({ replicas: 4 })).toBe(
      '4 pooler pods (one more during a rollout) ask for 100 connections to demo-core.ns.svc, each 20 ' +
        '(supersmartmatch_core 20 for supersmartmatch_core_app_a), and its max_connections 100 leave 80 to them: ' +
        'lower spec.pooling.replicas to 3, or pool sizes in spec.pooling so that a pod asks for 16 at most',
    )
  })

  // prettier-ignore
  test.each([
    ['a database’s own pools',       { databases: { [core]: { pool_size: '41' } } },                                   [backend],    /each 41 \(supersmartmatch_core 41 for \S+_app_a\).*: lower pool sizes/],
    ['reads beside writes',          { databases: { [reads]: { pool_size: '21' } } },                                  [backend],    /each 41 \(\S+ 20 for \S+_app_a; supersmartmatch_core_ro 21 for \S+_app_a\)/],
    ['two logins',                   { users: { [appB]: { pool_size: '21' } } },                                       [backend],    /each 41 \(\S+ 20 for \S+_app_a, 21 for \S+_app_b\)/],
    ['a limit beyond the server’s',  { databases: { [core]: { max_db_connections: '41' } } },                          [backend],    /each 41 \(supersmartmatch_core max_db_connections 41\)/],
    ['reads from one replica',       { databases: { [reads]: { pool_size: '41' } } },                                  [replicated], /connections to demo-core-ro.ns.svc, each 41/],
    ['two stores of one server',     { replicas: 2 },                                                              [backend, second],    /each 40 \(supersmartmatch_core 20 for \S+; geo 20 for geo_app_a\).* lower spec.pooling.replicas to 1, .* asks for 26 at most/],
    ['two that asked it at different times', {},                                      [backend, { ...second, maxConnections: 50 }],  /max_connections 50 leave 30 /],
    ['a small server',               {},                                                        [{ ...backend, maxConnections: 50 }],  /max_connections 50 leave 30 .* so that a pod asks for 15 at most/],
  ])('does not fit: %s', (_name, pooling, backends, message) => expect(asked(pooling, backends)).toMatch(message))

  test('what the message says would fit does', () => {
    expect(asked({ replicas: 3 })).toBeUndefined()
    expect(asked({ databases: { [core]: { pool_size: '40' } } })).toBeUndefined()
    expect(asked({}, [{ ...backend, maxConnections: 60 }])).toBeUndefined()
  })
})
