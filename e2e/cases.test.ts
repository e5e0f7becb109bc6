import { globSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newObjects, readCase, remove, runStep } from './harness/case.ts'
import type { LiveObject } from './harness/kubectl.ts'

const folders = globSync('cases/*/', { cwd: import.meta.dirname }).map((folder) => join(import.meta.dirname, folder))

test('there are cases', () => expect(folders.length).toBeGreaterThan(1))

// What was there before a case stays: the sample of `make up` and its data.
describe.each(folders.sort().map((folder) => ({ name: basename(folder), folder })))('$name', ({ folder }) => {
  const steps = readCase(folder)
  let created: LiveObject[] = []
  let failed = false

  beforeAll(async () => {
    created = await newObjects(steps)
  })
  afterAll(async () => {
    for (const object of created) await remove(object)
  })

  test.each(steps)('$title', async (step) => {
    if (failed) throw new Error('not run: an earlier step of this case failed')
    failed = true
    await runStep(step)
    failed = false
  })
})
