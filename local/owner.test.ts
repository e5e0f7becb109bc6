import { expect, test } from 'vitest'
import { refusal } from './owner.ts'

const mine = { checkout: '/home/a', adopt: false, deletes: false }

test.each([
  ['no cluster', { ...mine, owner: undefined, live: false }],
  ['our own, running', { ...mine, owner: '/home/a', live: true }],
  ['our own, stopped, to be deleted', { ...mine, owner: '/home/a', live: false, deletes: true }],
  ["another checkout's, dead", { ...mine, owner: '/home/b', live: false }],
  ["another checkout's, running, to be taken over", { ...mine, owner: '/home/b', live: true, adopt: true }],
])('%s may be changed', (_, ownership) => {
  expect(refusal(ownership)).toBeUndefined()
})

test("another checkout's running cluster is refused, naming it and the ways out", () => {
  expect(refusal({ ...mine, owner: '/home/b', live: true })).toMatch(/\/home\/b.*make down.*ADOPT=1/)
})

test("another checkout's data is not deleted, even when its cluster is stopped", () => {
  expect(refusal({ ...mine, owner: '/home/b', live: false, deletes: true })).toMatch(/data belong to .*\/home\/b/)
})
