import { describe, expect, test } from 'vitest'
import { apply } from './apply.ts'
import { approvalNeeded, isApproved, planHash, readApprovalNeeded, type DataLoss } from './data-loss.ts'
import type { Connect } from './dialect.ts'
import { Failed } from './errors.ts'
import type { Migration, MigrationSet } from './files.ts'
import type { LedgerRow } from './ledger.ts'
import { checkApproval, heldBack, makePlan, readState } from './plan.ts'

/** Files named by letters: a capital is breaking, one of `xyz` loses data. */
const filesOf = (letters: string): MigrationSet => ({
  schema: 's',
  extension: 'sql',
  digest: letters,
  target: letters.length,
  clusterSql: undefined,
  migrations: [...letters].map((name, index) => ({
    version: index + 1,
    name,
    checksum: `sum-${name}`,
    breaking: name !== name.toLowerCase(),
    destructive: false,
    statements: 1,
    text: '',
  })),
})
const ledgerOf = (letters: string, firstAt = 0): LedgerRow[] =>
  filesOf(letters).migrations.map(({ version, name, checksum, breaking }, index) => ({
    version,
    name,
    checksum,
    breaking,
    appliedAt: new Date(index === 0 ? firstAt : Date.now()),
    executionMs: 1,
  }))
const database = {
  losses: ({ name, version }: { name: string; version: number }): DataLoss[] =>
    /[xyz]/i.test(name) ? [{ version, where: 'statement 1 (line 2)', why: `drops ${name}` }] : [],
}
const planOf = (files: string, has: string, options: { breaking?: boolean; target?: number } = {}) =>
  makePlan(filesOf(files), ledgerOf(has), database, options, has === '')
const lettersOf = (migrations: { name: string }[]) => migrations.map(({ name }) => name).join('')

describe('a plan', () => {
  // prettier-ignore
  test.each([
    ['a new database takes all, asks nothing', 'aXb', '',   {},                 'aXb', '',   0],
    ['nothing lost',                           'ab',  'a',  {},                 'b',   '',   0],
    ['something lost',                         'axb', 'a',  {},                 'xb',  '',   1],
    ['breaking files wait, and all after',     'aBc', 'a',  {},                 '',    'Bc', 0],
    ['what comes before them does not',        'abC', 'a',  {},                 'b',   'C',  0],
    ['unless no older application runs',       'aBc', 'a',  { breaking: true }, 'Bc',  '',   0],
    ['what waits loses nothing yet',           'aX',  'a',  {},                 '',    'X',  0],
  ])('%s', async (_name, files, has, options, now, held, losses) => {
    const plan = await planOf(files, has, options)
    expect({ now: lettersOf(plan.now), held: lettersOf(plan.held), losses: plan.losses.length }).toEqual({ now, held, losses })
    expect(plan.hash !== undefined).toBe(losses > 0)
    expect(heldBack(plan, filesOf(files)) !== undefined).toBe(held !== '')
  })

  test('to an older target than the database has is refused', async () => {
    await expect(planOf('ab', 'abc', { target: 2 })).rejects.toMatchObject({ reason: 'TargetIsOlder' })
    expect((await planOf('ab', 'ab', { target: 2 })).now).toEqual([])
  })
})

describe('an empty database', () => {
  /** @param then  the ledger that is read after what is there */
  const read = async (has: string, there?: string, unfinished?: number, then = has) => {
    let letters = has
    const { ledger, isEmpty } = await readState(filesOf('ab'), {
      readLedger: () => Promise.resolve(ledgerOf(letters)),
      existing() {
        letters = then
        return Promise.resolve(there)
      },
      readUnfinished: () => Promise.resolve(unfinished === undefined ? undefined : { version: unfinished, done: 0 }),
    })
    return isEmpty ? 'empty' : lettersOf(ledger)
  }

  test('has neither a ledger nor anything that the files make, unless a first run was cut short', async () => {
    expect(await read('')).toBe('empty')
    expect(await read('', 'table a', 1)).toBe('empty')
    expect(await read('a', 'table a')).toBe('a')
    await expect(read('', 'table a')).rejects.toMatchObject({
      reason: 'NoLedger',
      message: expect.stringMatching(/^the database has table a and no ledger .*baseline/) as string,
    })
  })

  test('is not one that another migrator makes at this moment', async () => {
    expect(await read('', 'table a', undefined, 'a')).toBe('a')
    expect(await read('', 'table a', 2, 'a')).toBe('a')
  })
})

test('what another migrator is about to finish is not held back', async () => {
  let ledger = ledgerOf('a')
  const connect: Connect = () =>
    Promise.resolve({
      ...database,
      log: () => undefined,
      readLedger: () => Promise.resolve(ledger),
      existing: () => Promise.resolve('table a'),
      takeLock() {
        ledger = ledgerOf('aB')
        return Promise.resolve()
      },
      createLedger: () => Promise.resolve(),
      applyFile: () => Promise.reject(new Error('nothing is left to apply')),
      differences: () => Promise.resolve([]),
      record: () => Promise.resolve(),
      close: () => Promise.resolve(),
    })
  const options = { waitMs: 0, signal: new AbortController().signal, log: () => undefined }
  expect(await apply(filesOf('aB'), connect, options)).toEqual([])
})

describe('a run that loses its connection in the first file of an empty database', () => {
  /** @param has  files that are applied when it connects again */
  async function run(has: string): Promise<string> {
    let ledger: LedgerRow[] = []
    let isLost = false
    const connect: Connect = () =>
      Promise.resolve({
        ...database,
        log: () => undefined,
        readLedger: () => Promise.resolve(ledger),
        existing: () => Promise.resolve(undefined),
        takeLock: () => Promise.resolve(),
        createLedger: () => Promise.resolve(),
        applyFile({ version }: Migration) {
          ledger = isLost ? ledgerOf('abX'.slice(0, version)) : ledgerOf(has)
          if (isLost) return Promise.resolve()
          isLost = true
          return Promise.reject(new Failed('Unavailable', 'lost'))
        },
        differences: () => Promise.resolve([]),
        record: () => Promise.resolve(),
        close: () => Promise.resolve(),
      })
    const options = { waitMs: 0, signal: new AbortController().signal, log: () => undefined }
    await apply(filesOf('abX'), connect, { ...options, breaking: true })
    return lettersOf(ledger)
  }

  test.each(['', 'a'])('goes on as it began where nobody else applied anything (%j)', async (has) => {
    expect(await run(has)).toBe('abX')
  })

  test('asks where somebody else went on meanwhile', async () => {
    await expect(run('ab')).rejects.toMatchObject({ reason: 'ApprovalNeeded' })
  })
})

describe('an approval', () => {
  const check = async (files: string, has: string, approve?: string, firstAt = 0) => {
    const [set, ledger] = [filesOf(files), ledgerOf(has, firstAt)]
    checkApproval(await makePlan(set, ledger, database, {}, false), set, ledger, approve)
  }
  const hashOf = async (files: string, has: string) => (await planOf(files, has)).hash

  test('is needed where something is lost, and is of that plan', async () => {
    const hash = await hashOf('axb', 'a')
    await expect(check('axb', 'a')).rejects.toMatchObject({
      reason: 'ApprovalNeeded',
      message: `plan ${hash} loses data: 000002_x.sql, statement 1 (line 2): drops x`,
    })
    await check('axb', 'a', hash)
    await check('ab', 'a')
  })

  // prettier-ignore
  test.each([
    ['another file',                   'ayb',  'a', 0],
    ['one file more',                  'axbc', 'a', 0],
    ['one file fewer',                 'ax',   'a', 0],
    ['another database',               'axb',  'a', 1],
  ])('does not count for %s', async (_name, files, has, firstAt) => {
    await expect(check(files, has, await hashOf('axb', 'a'), firstAt)).rejects.toMatchObject({ reason: 'ApprovalNeeded' })
  })

  test('counts on when its plan was cut short after any file', async () => {
    const hash = await hashOf('abxcy', 'a')
    for (const has of ['ab', 'abx', 'abxc', 'abxcy']) await check('abxcy', has, hash)
  })

  test('of a plan that began later does not count for more', async () => {
    const [set, ledger] = [filesOf('axy'), ledgerOf('a')]
    const later = planHash('s', ledger, set.migrations.slice(2))
    expect(isApproved(later, set, ledger, set.migrations.slice(1))).toBe(false)
  })

  test('what the runner says is what the operator reads', () => {
    const set = filesOf('x'.repeat(12))
    const losses = set.migrations.map(({ version }) => ({ version, where: 'header', why: 'says; so' }))
    const { reason, message } = approvalNeeded('0123456789ab', losses, set)
    expect(readApprovalNeeded(`${reason}: ${message}`)).toMatchObject({ hash: '0123456789ab' })
    expect(message).toMatch(/; and 4 more, which plan lists$/)
    expect(readApprovalNeeded('StatementFailed: plan 0123456789ab loses data: x')).toBeUndefined()
  })
})
