import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { binary } from './binaries.ts'
import { kubeconfigFile, pkiFile } from './certificates.ts'
import {
  addresses,
  auditLog,
  bridgeName,
  cgroupName,
  configDir,
  containerdSocket,
  kubeletDir,
  networkName,
  nodeName,
  podLogDir,
  ports,
  runDir,
  stateDir,
  volumeDir,
} from './paths.ts'
import type { Daemon } from './processes.ts'
import { systemNamespace } from './ready.ts'

const { node } = addresses
const configFile = (name: string) => join(configDir, name)
const cniConfigDir = join(configDir, 'cni')
const certificate = (name: string) => [`${pkiFile(name)}.crt`, `${pkiFile(name)}.key`] as const
const flags = (values: Record<string, string>) => Object.entries(values).map(([name, value]) => `--${name}=${value}`)

const containerdConfig = (sandboxImage: string, cniBinDir: string) => `version = 2
root = "${stateDir}/containerd"
state = "${runDir}/containerd"
disabled_plugins = [
  "io.containerd.snapshotter.v1.aufs",
  "io.containerd.snapshotter.v1.btrfs",
  "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs",
]

[grpc]
  address = "${containerdSocket}"

[plugins."io.containerd.internal.v1.opt"]
  path = "${stateDir}/containerd-opt"

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${sandboxImage}"
  restrict_oom_score_adj = true
  netns_mounts_under_state_dir = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${cniBinDir}"
    conf_dir = "${cniConfigDir}"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
`

/** Leases lie under /run: after a restart of the machine no pod holds its old address. */
const cniConfig = {
  cniVersion: '0.4.0',
  name: networkName,
  plugins: [
    {
      type: 'bridge',
      bridge: bridgeName,
      isGateway: true,
      hairpinMode: true,
      ipam: {
        type: 'host-local',
        ranges: [[{ subnet: addresses.pods }]],
        routes: [{ dst: '0.0.0.0/0' }],
        dataDir: join(runDir, 'cni'),
      },
    },
  ],
}

const kubeletConfig = () => ({
  apiVersion: 'kubelet.config.k8s.io/v1beta1',
  kind: 'KubeletConfiguration',
  address: node,
  healthzBindAddress: node,
  authentication: {
    anonymous: { enabled: false },
    webhook: { enabled: true },
    x509: { clientCAFile: pkiFile('ca.crt') },
  },
  authorization: { mode: 'Webhook' },
  tlsCertFile: certificate('kubelet-server')[0],
  tlsPrivateKeyFile: certificate('kubelet-server')[1],
  clusterDNS: [addresses.dnsService],
  clusterDomain: 'cluster.local',
  containerRuntimeEndpoint: `unix://${containerdSocket}`,
  cgroupDriver: 'cgroupfs',
  cgroupRoot: `/${cgroupName}`,
  failCgroupV1: false,
  failSwapOn: false,
  makeIPTablesUtilChains: false,
  podLogsDir: podLogDir,
  volumePluginDir: join(stateDir, 'volume-plugins'),
  resolvConf: hostResolvConf(),
  // A full disk should stop the database that filled it, not make the node evict everything at 15 % free.
  evictionHard: { 'memory.available': '100Mi', 'nodefs.available': '2%', 'imagefs.available': '2%' },
  // Images are loaded by hand: there is no registry to fetch a collected one from.
  imageGCHighThresholdPercent: 100,
  imageGCLowThresholdPercent: 99,
  // Runs without CAP_SYS_RESOURCE and /dev/kmsg too; changes nothing where they are there.
  featureGates: { KubeletInUserNamespace: true },
})

/** A stub resolver at 127.0.0.53 cannot be reached from a pod. */
function hostResolvConf(): string {
  const real = '/run/systemd/resolve/resolv.conf'
  return existsSync(real) ? real : '/etc/resolv.conf'
}

const kubeProxyConfig = {
  apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
  kind: 'KubeProxyConfiguration',
  mode: 'nftables',
  bindAddress: node,
  healthzBindAddress: `${node}:10256`,
  metricsBindAddress: `${node}:10249`,
  clientConnection: { kubeconfig: kubeconfigFile('kube-proxy') },
  clusterCIDR: addresses.pods,
  hostnameOverride: nodeName,
  // Zero leaves the machine's own limit alone.
  conntrack: { maxPerCore: 0 },
}

/** Names outside the cluster; nothing where the machine itself has no name server. */
function forward(): string {
  const file = hostResolvConf()
  return existsSync(file) && /^nameserver /m.test(readFileSync(file, 'utf8')) ? `forward . ${file}` : ''
}

const corefile = () => `.:${ports.dns} {
  bind ${node}
  errors
  kubernetes cluster.local in-addr.arpa {
    kubeconfig ${kubeconfigFile('coredns')}
    ttl 5
  }
  ${forward()}
  cache 30
  loadbalance
}
`

/** Writes a configuration file only when it changes: kube-proxy ends as soon as its file is touched. */
function write(name: string, content: string | object): string {
  const file = configFile(name)
  const text = typeof content === 'string' ? content : `${JSON.stringify(content, null, 2)}\n`
  if (!existsSync(file) || readFileSync(file, 'utf8') !== text) writeFileSync(file, text)
  return file
}

/** containerd with root, state and socket of our own, beside any other containerd of the machine. */
export function containerd(sandboxImage: string): Daemon {
  mkdirSync(cniConfigDir, { recursive: true })
  const cniBinDir = existsSync('/usr/lib/cni/bridge') ? '/usr/lib/cni' : '/opt/cni/bin'
  const config = write('containerd.toml', containerdConfig(sandboxImage, cniBinDir))
  write('cni/10-supersmartmatch.conflist', cniConfig)
  return { name: 'containerd', argv: ['containerd', '--config', config], configFiles: [config] }
}

export function etcd(): Daemon {
  const [crt, key] = certificate('etcd')
  const client = `https://${node}:${ports.etcd}`
  const peer = `https://${node}:${ports.etcdPeer}`
  const argv = [
    binary('etcd'),
    ...flags({
      name: nodeName,
      'data-dir': join(stateDir, 'etcd'),
      'listen-client-urls': client,
      'advertise-client-urls': client,
      'listen-peer-urls': peer,
      'initial-advertise-peer-urls': peer,
      'initial-cluster': `${nodeName}=${peer}`,
      'cert-file': crt,
      'key-file': key,
      'trusted-ca-file': pkiFile('ca.crt'),
      'client-cert-auth': 'true',
      'peer-cert-file': crt,
      'peer-key-file': key,
      'peer-trusted-ca-file': pkiFile('ca.crt'),
      'peer-client-cert-auth': 'true',
      'auto-compaction-mode': 'periodic',
      'auto-compaction-retention': '1h',
      'log-level': 'warn',
    }),
  ]
  return { name: 'etcd', argv, configFiles: [] }
}

/** Tests count the operator's writes by it. Renewals of its Lease, one in two seconds, would be all there is to see. */
const auditPolicy = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived'],
  rules: [
    { level: 'None', resources: [{ group: 'coordination.k8s.io', resources: ['leases'] }] },
    {
      level: 'Metadata',
      users: [`system:serviceaccount:${systemNamespace}:matching-operator`],
      verbs: ['create', 'update', 'patch', 'delete', 'deletecollection'],
    },
    { level: 'None' },
  ],
}

export function apiServer(): Daemon {
  const policy = write('audit-policy.json', auditPolicy)
  const [crt, key] = certificate('apiserver')
  const [clientCrt, clientKey] = certificate('apiserver-client')
  const [etcdCrt, etcdKey] = certificate('etcd')
  const argv = [
    binary('kube-apiserver'),
    ...flags({
      // Not 0.0.0.0 nor loopback: this is the address that pods reach through the `kubernetes` Service.
      'bind-address': node,
      'advertise-address': node,
      'secure-port': String(ports.api),
      'etcd-servers': `https://${node}:${ports.etcd}`,
      'etcd-cafile': pkiFile('ca.crt'),
      'etcd-certfile': etcdCrt,
      'etcd-keyfile': etcdKey,
      'tls-cert-file': crt,
      'tls-private-key-file': key,
      'client-ca-file': pkiFile('ca.crt'),
      // No aggregated server runs here; without these the other daemons complain every minute.
      'requestheader-client-ca-file': pkiFile('ca.crt'),
      'requestheader-allowed-names': 'front-proxy-client',
      'requestheader-username-headers': 'X-Remote-User',
      'requestheader-group-headers': 'X-Remote-Group',
      'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
      'kubelet-certificate-authority': pkiFile('ca.crt'),
      'kubelet-client-certificate': clientCrt,
      'kubelet-client-key': clientKey,
      // Else exec and logs look up the node's name.
      'kubelet-preferred-address-types': 'InternalIP',
      'service-cluster-ip-range': addresses.services,
      'service-account-issuer': 'https://kubernetes.default.svc.cluster.local',
      'service-account-key-file': pkiFile('service-account.pub'),
      'service-account-signing-key-file': pkiFile('service-account.key'),
      'authorization-mode': 'Node,RBAC',
      'enable-admission-plugins': 'NodeRestriction',
      profiling: 'false',
      'audit-policy-file': policy,
      'audit-log-path': auditLog,
      // Megabytes; with the backup 40.
      'audit-log-maxsize': '20',
      'audit-log-maxbackup': '1',
    }),
  ]
  return { name: 'kube-apiserver', argv, configFiles: [policy] }
}

export function controllerManager(): Daemon {
  const kubeconfig = kubeconfigFile('kube-controller-manager')
  const argv = [
    binary('kube-controller-manager'),
    ...flags({
      'bind-address': node,
      kubeconfig,
      'authentication-kubeconfig': kubeconfig,
      'authorization-kubeconfig': kubeconfig,
      'root-ca-file': pkiFile('ca.crt'),
      'cluster-signing-cert-file': pkiFile('ca.crt'),
      'cluster-signing-key-file': pkiFile('ca.key'),
      'service-account-private-key-file': pkiFile('service-account.key'),
      'service-cluster-ip-range': addresses.services,
      'use-service-account-credentials': 'true',
      // The only one of its kind: waiting for a lease would only delay the start.
      'leader-elect': 'false',
    }),
  ]
  return { name: 'kube-controller-manager', argv, configFiles: [] }
}

export function scheduler(): Daemon {
  const kubeconfig = kubeconfigFile('kube-scheduler')
  const argv = [
    binary('kube-scheduler'),
    ...flags({
      'bind-address': node,
      kubeconfig,
      'authentication-kubeconfig': kubeconfig,
      'authorization-kubeconfig': kubeconfig,
      'leader-elect': 'false',
    }),
  ]
  return { name: 'kube-scheduler', argv, configFiles: [] }
}

export function kubelet(): Daemon {
  mkdirSync(podLogDir, { recursive: true })
  const config = write('kubelet.json', kubeletConfig())
  const argv = [
    binary('kubelet'),
    ...flags({
      config,
      kubeconfig: kubeconfigFile('kubelet'),
      'root-dir': kubeletDir,
      'cert-dir': join(kubeletDir, 'pki'),
      'node-ip': node,
      'hostname-override': nodeName,
    }),
  ]
  return { name: 'kubelet', argv, configFiles: [config] }
}

export function kubeProxy(): Daemon {
  const config = write('kube-proxy.json', kubeProxyConfig)
  return { name: 'kube-proxy', argv: [binary('kube-proxy'), `--config=${config}`], configFiles: [config] }
}

export function coredns(): Daemon {
  const config = write('Corefile', corefile())
  return { name: 'coredns', argv: [binary('coredns'), '-conf', config], configFiles: [config] }
}

export function volumeProvisioner(): Daemon {
  mkdirSync(volumeDir, { recursive: true })
  const argv = [
    binary('volume-provisioner'),
    ...flags({ kubeconfig: kubeconfigFile('volume-provisioner'), root: volumeDir }),
  ]
  return { name: 'volume-provisioner', argv, configFiles: [] }
}

/** Every daemon in the order of starting; stopping goes the other way. */
export const daemonNames = [
  'containerd',
  'etcd',
  'kube-apiserver',
  'kube-controller-manager',
  'kube-scheduler',
  'coredns',
  'volume-provisioner',
  'kube-proxy',
  'kubelet',
] as const
