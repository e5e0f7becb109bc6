import { expect, test } from 'vitest'
import { missingPackages } from './packages.ts'

test('a package counts as there when one of its files is', () => {
  const there = [
    'containerd',
    'runc',
    'buildah',
    'mmdebstrap',
    'mvn',
    '/opt/cni/bin/bridge',
    'nft',
    'ip',
    'modprobe',
    'mount',
  ]
  const missing = missingPackages((file) => there.includes(file))
  expect(missing).toEqual(['conntrack', 'ethtool', 'ca-certificates'])
})
