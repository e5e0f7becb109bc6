import { existsSync } from 'node:fs'
import { run, CommandError } from './run.ts'
import { say } from './report.ts'

/**
 * The file that shows a package is there. A file, not the package's name: a machine with Docker has containerd and
 * runc from elsewhere, and installing Debian's would remove them.
 */
const packages: Record<string, string[]> = {
  containerd: ['containerd'],
  runc: ['runc'],
  buildah: ['buildah'],
  mmdebstrap: ['mmdebstrap'],
  // Fetches Elasticsearch's server.
  maven: ['mvn'],
  'containernetworking-plugins': ['/usr/lib/cni/bridge', '/opt/cni/bin/bridge'],
  nftables: ['nft'],
  iproute2: ['ip'],
  conntrack: ['conntrack'],
  ethtool: ['ethtool'],
  kmod: ['modprobe'],
  mount: ['mount'],
  'ca-certificates': ['/etc/ssl/certs/ca-certificates.crt'],
}

const searchPath = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin']

function isThere(file: string): boolean {
  return file.startsWith('/') ? existsSync(file) : searchPath.some((folder) => existsSync(`${folder}/${file}`))
}

/** The packages none of whose files `exists`. */
export function missingPackages(exists: (file: string) => boolean = isThere): string[] {
  return Object.entries(packages)
    .filter(([, files]) => !files.some(exists))
    .map(([name]) => name)
}

/** Installs what is missing; reads the package lists anew only when they are too old to install from. */
export async function ensurePackages(): Promise<void> {
  const missing = missingPackages()
  if (missing.length === 0) return
  say('packages', `installing ${missing.join(' ')}`)
  const install = async () =>
    run('apt-get', ['install', '-y', '--no-install-recommends', ...missing], {
      env: { DEBIAN_FRONTEND: 'noninteractive' },
    })
  try {
    await install()
  } catch (error) {
    if (!(error instanceof CommandError)) throw error
    say('packages', 'reading the package lists anew')
    await run('apt-get', ['update'])
    await install()
  }
  const still = missingPackages()
  if (still.length > 0) throw new Error(`apt installed everything, yet these are still missing: ${still.join(' ')}`)
}
