import { mkdtemp, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { contextFiles, hashInputs, isIncluded, parseContextRules } from './inputs.ts'

const platform = join(import.meta.dirname, 'platform')
const platformRules = async () =>
  parseContextRules(await readFile(join(platform, 'Containerfile.dockerignore'), 'utf8'))

describe('what enters the platform image', () => {
  test.each([
    ['package-lock.json', true],
    ['operator/main.ts', true],
    ['migrations/core/000001_users.sql', true],
    ['data/esco/skills.tsv.gz', true],
    ['operator/kube/queue.test.ts', false],
    ['operator/kube/apply.cluster.test.ts', false],
    ['services/core/test/app.ts', false],
    ['operator/engines/postgres/golden/minimal.yaml', false],
    ['operator-notes/main.ts', false],
    ['node_modules/pg/package.json', false],
    ['local/main.ts', false],
    ['.git/config', false],
  ])('%s: %s', async (path, expected) => expect(isIncluded(await platformRules(), path)).toBe(expected))

  test('is exactly what its Containerfile copies', async () => {
    const containerfile = await readFile(join(platform, 'Containerfile'), 'utf8')
    const copied = containerfile
      .split('\n')
      .filter((line) => line.startsWith('COPY '))
      .flatMap((line) => line.split(' ').slice(1, -1))
      .filter((word) => !word.startsWith('--'))
    expect(copied.sort()).toEqual((await platformRules()).include.sort())
  })
})

test.each([
  ['', 'not ""'],
  ['!operator', 'not "!operator"'],
  ['*\n**/*.test.ts\n!operator', 'not "!operator"'],
  ['*\n!operator\nnode_modules', 'not "node_modules"'],
])('rules of another form are refused: %j', (text, message) => {
  expect(() => parseContextRules(text)).toThrow(message)
})

describe('in a folder', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'inputs-'))
    await mkdir(join(folder, 'src/golden'), { recursive: true })
    await writeFile(join(folder, 'a'), 'one')
    await writeFile(join(folder, 'src/b.ts'), 'two')
    await writeFile(join(folder, 'src/b.test.ts'), 'three')
    await writeFile(join(folder, 'src/golden/c.yaml'), 'four')
  })
  afterEach(() => rm(folder, { recursive: true }))

  test('all files are listed without rules, sorted', async () => {
    expect(await contextFiles(folder)).toEqual(['a', 'src/b.test.ts', 'src/b.ts', 'src/golden/c.yaml'])
  })

  test('rules let names in and take patterns out', async () => {
    const rules = { include: ['src', 'a'], exclude: ['**/*.test.ts', '**/golden'] }
    expect(await contextFiles(folder, rules)).toEqual(['a', 'src/b.ts'])
  })

  test('a name that is let in and does not exist is an error', async () => {
    await expect(contextFiles(folder, { include: ['absent'], exclude: [] })).rejects.toThrow('absent')
  })

  test('the hash is the same for the same inputs and changes with each of them', async () => {
    const hash = (files = ['a', 'src/b.ts'], base = 'x') => hashInputs(folder, files, { base, VERSION: '1' })
    const before = await hash()
    expect(before).toMatch(/^[0-9a-f]{12}$/)
    expect(await hash()).toBe(before)
    expect(await hash(['a', 'src/b.ts'], 'y')).not.toBe(before)
    expect(await hash(['a', 'src/b.test.ts'])).not.toBe(before)
    await writeFile(join(folder, 'src/b.ts'), 'TWO')
    expect(await hash()).not.toBe(before)
  })

  test('the hash does not depend on the order of parameters', async () => {
    expect(await hashInputs(folder, [], { a: '1', b: '2' })).toBe(await hashInputs(folder, [], { b: '2', a: '1' }))
  })
})
