import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { unlessGone } from './cgroups.ts'

test('a group that the runtime removed meanwhile is nothing; any other failure is one', () => {
  expect(unlessGone(() => readFileSync('/sys/fs/cgroup/no-such-group/cgroup.procs', 'utf8'), '')).toBe('')
  expect(() => unlessGone(() => readFileSync('/proc/self', 'utf8'), '')).toThrow('EISDIR')
})
