import { expect, test } from 'vitest'
import { isContainerInit, isOurShim, mountsUnder } from './leftovers.ts'

test('mounts in our folders, the innermost first, with spaces decoded', () => {
  const mountInfo = `22 1 254:0 / / rw,relatime - ext4 /dev/vda rw
90 22 0:40 / /run/supersmartmatch/containerd/rootfs rw - overlay overlay rw
91 90 0:41 / /run/supersmartmatch/containerd/rootfs/a\\040b rw - tmpfs tmpfs rw
92 22 0:42 / /run/supersmartmatch-other/x rw - tmpfs tmpfs rw
93 22 0:43 / /var/lib/supersmartmatch/kubelet/pods/1 rw - tmpfs tmpfs rw
`
  expect(mountsUnder(mountInfo, ['/run/supersmartmatch', '/var/lib/supersmartmatch'])).toEqual([
    '/var/lib/supersmartmatch/kubelet/pods/1',
    '/run/supersmartmatch/containerd/rootfs/a b',
    '/run/supersmartmatch/containerd/rootfs',
  ])
})

const shim = (address: string) => ['/usr/bin/containerd-shim-runc-v2', '-namespace', 'k8s.io', '-address', address]

test("only our containerd's shims are ours", () => {
  expect(isOurShim(shim('/run/supersmartmatch/containerd.sock'))).toBe(true)
  expect(isOurShim(shim('/run/containerd/containerd.sock'))).toBe(false)
  expect(isOurShim(['vim', '-address', '/run/supersmartmatch/containerd.sock'])).toBe(false)
})

test("a container's first process, and neither its children nor a process of the machine", () => {
  expect(isContainerInit('Name:\tpause\nNSpid:\t4711\t1\n')).toBe(true)
  expect(isContainerInit('Name:\tpostgres\nNSpid:\t4712\t17\n')).toBe(false)
  expect(isContainerInit('Name:\tinit\nNSpid:\t1\n')).toBe(false)
  expect(isContainerInit('')).toBe(false)
})
