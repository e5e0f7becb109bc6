import { expect, test } from 'vitest'
import { findProblems, foreignRoutes } from './preconditions.ts'
import type { Machine } from './preconditions.ts'

const machine: Machine = {
  platform: 'linux',
  uid: 0,
  programs: ['apt-get', 'make', 'cc', 'go', 'ip'],
  go: 'go version go1.26.8 linux/amd64',
  freeDiskGiB: 50,
  memoryGiB: 8,
  built: false,
  foreignKubelet: undefined,
  takenRoutes: [],
}

test('a machine that fits has no problem', () => {
  expect(findProblems(machine)).toEqual([])
})

test.each<[Partial<Machine>, RegExp]>([
  [{ uid: 1000 }, /needs root/],
  [{ programs: ['make', 'cc', 'go'] }, /with apt/],
  [{ programs: ['apt-get', 'cc', 'go'] }, /make is missing/],
  [{ programs: ['apt-get', 'make', 'go'] }, /C compiler is missing/],
  [{ programs: ['apt-get', 'make', 'cc'] }, /Go is missing/],
  [{ go: 'go version go1.19.8 linux/amd64' }, /1\.26 or newer is needed and this is go1\.19/],
  [{ go: 'go: go.mod requires go >= 1.26.0 (running go 1.22.1; GOTOOLCHAIN=local)' }, /1\.26 or newer.*GOTOOLCHAIN/],
  [{ freeDiskGiB: 12.34 }, /12\.3 GiB free and 15 GiB are needed/],
  [{ freeDiskGiB: 4, built: true }, /5 GiB are needed/],
  [{ memoryGiB: 2 }, /2\.0 GiB of memory and 4 GiB/],
  [{ foreignKubelet: '/usr/bin/kubelet' }, /Another Kubernetes node.*\/usr\/bin\/kubelet/],
  [{ takenRoutes: ['198.18.0.0/16 dev tun0'] }, /dev tun0/],
])('%j is one sentence', (difference, sentence) => {
  const problems = findProblems({ ...machine, ...difference })
  expect(problems).toHaveLength(1)
  expect(problems[0]).toMatch(sentence)
})

test('on another system only that is said', () => {
  expect(findProblems({ ...machine, platform: 'darwin', uid: 501 })).toEqual([
    expect.stringMatching(/needs Linux.*darwin/),
  ])
})

test('a machine where everything is built needs no compiler and no Go', () => {
  expect(findProblems({ ...machine, built: true, programs: ['apt-get', 'make', 'ip'], go: '' })).toEqual([])
})

test('our own bridge does not count as a taken range', () => {
  const routes = `default via 192.0.2.1 dev eth0
198.18.0.0/17 dev ssm0 proto kernel scope link src 198.18.0.1
198.19.4.0/24 dev wg0 scope link
192.0.2.0/24 dev eth0 proto kernel scope link src 192.0.2.2`
  expect(foreignRoutes(routes)).toEqual(['198.19.4.0/24 dev wg0 scope link'])
})
