import { join, resolve } from 'node:path'

/** The checkout this program was started from. */
export const checkout = resolve(import.meta.dirname, '..')

/** etcd, images, volumes, certificates, configuration and logs: kept by `make down`, deleted by `make clean`. */
export const stateDir = '/var/lib/supersmartmatch'
/** Process records, the lock, sockets and mounts: nothing here outlives `make down`. */
export const runDir = '/run/supersmartmatch'
/** Built binaries and images: kept by `make clean` too. */
export const cacheDir = '/var/cache/supersmartmatch'

export const pkiDir = join(stateDir, 'pki')
export const configDir = join(stateDir, 'config')
export const logDir = join(stateDir, 'logs')
/** The API server's record of what the operator wrote. */
export const auditLog = join(logDir, 'audit.log')
export const podLogDir = join(stateDir, 'pod-logs')
export const volumeDir = join(stateDir, 'volumes')
export const kubeletDir = join(stateDir, 'kubelet')
export const containerdSocket = join(runDir, 'containerd.sock')
export const adminKubeconfig = join(configDir, 'admin.kubeconfig')

/** The links that the checkout gets: `make` and the tests know only these. */
export const linkDir = join(checkout, '.local')

/**
 * 198.18.0.0/15 is reserved for benchmarks (RFC 2544), so no network a machine is in uses it.
 * The node's address is on `lo`: it never changes with the machine's network, and the kubelet refuses a 127/8 address.
 */
export const addresses = {
  range: '198.18.0.0/15',
  node: '198.18.255.1',
  pods: '198.18.0.0/17',
  services: '198.19.0.0/16',
  apiService: '198.19.0.1',
  dnsService: '198.19.0.10',
}

/** CoreDNS is not on 53, where a resolver of the machine may listen on every address; its Service is. */
export const ports = { api: 6443, etcd: 2379, etcdPeer: 2380, dns: 1053 }

export const nodeName = 'local'
export const bridgeName = 'ssm0'
export const networkName = 'supersmartmatch'
/** Parent of every pod's control group, so that leftovers can be told from other software's groups. */
export const cgroupName = 'supersmartmatch'
export const kubernetesVersion = '1.35.4'
