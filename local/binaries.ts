import { createHash } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { cacheDir, kubernetesVersion } from './paths.ts'
import { say } from './report.ts'
import { run } from './run.ts'

/** Tools that come from one Go module: Kubernetes, etcd, Helm and CoreDNS want different versions of the same modules. */
interface Family {
  /** The folder under local/go. */
  name: string
  /** Binary → package. */
  binaries: Record<string, string>
  /** Link-time variables. */
  variables: Record<string, string>
  /** What a first build takes on two cores, for the reader who waits. */
  takes: string
}

const [major, minor] = kubernetesVersion.split('.') as [string, string]

/** In the order in which the cluster needs them. */
const families: Family[] = [
  {
    name: 'etcd',
    binaries: { etcd: 'go.etcd.io/etcd/server/v3' },
    variables: {},
    takes: 'half a minute',
  },
  {
    name: 'kubernetes',
    binaries: Object.fromEntries(
      ['kube-apiserver', 'kube-controller-manager', 'kube-proxy', 'kube-scheduler', 'kubectl', 'kubelet'].map(
        (name) => [name, `k8s.io/kubernetes/cmd/${name}`],
      ),
    ),
    // Without them kubectl and Helm cannot parse the server's version.
    variables: {
      'k8s.io/component-base/version.gitVersion': `v${kubernetesVersion}`,
      'k8s.io/component-base/version.gitMajor': major,
      'k8s.io/component-base/version.gitMinor': minor,
    },
    takes: '6 minutes',
  },
  { name: 'coredns', binaries: { coredns: '.' }, variables: {}, takes: 'a minute' },
  { name: 'provisioner', binaries: { 'volume-provisioner': '.' }, variables: {}, takes: 'half a minute' },
  {
    name: 'helm',
    binaries: { helm: 'helm.sh/helm/v4/cmd/helm' },
    variables: { 'helm.sh/helm/v4/internal/version.version': 'v4.3.1' },
    takes: '2 minutes',
  },
  {
    name: 'kubeconform',
    binaries: { kubeconform: 'github.com/yannh/kubeconform/cmd/kubeconform' },
    variables: {},
    takes: 'a few seconds',
  },
  { name: 'cyclonus', binaries: { 'network-simulator': '.' }, variables: {}, takes: '2 minutes' },
  { name: 'kstatus', binaries: { kstatus: '.' }, variables: {}, takes: 'a few seconds' },
]

/** Only for one test, and as long to build as half a cluster: built when that asks for it. */
const certManager: Family = {
  name: 'cert-manager',
  binaries: { 'cert-manager': '.' },
  variables: {},
  takes: '4 minutes',
}

const moduleDir = (family: Family) => join(import.meta.dirname, 'go', family.name)

function linkerFlags(family: Family): string {
  const variables = Object.entries(family.variables).map(([name, value]) => `-X ${name}=${value}`)
  return ['-s', '-w', ...variables].join(' ')
}

/** Where the family's binaries lie: a folder named by everything that decides what they are. */
function outputDir(family: Family): string {
  const folder = moduleDir(family)
  const hash = createHash('sha256').update(linkerFlags(family)).update(Object.keys(family.binaries).join())
  for (const file of readdirSync(folder).sort()) hash.update(file).update(readFileSync(join(folder, file)))
  return join(cacheDir, 'bin', `${family.name}-${hash.digest('hex').slice(0, 12)}`)
}

/** The full path of one of our binaries, built or not. */
export function binary(name: string): string {
  const family = [...families, certManager].find((candidate) => name in candidate.binaries)
  if (!family) throw new Error(`no binary is called ${name}`)
  return join(outputDir(family), name)
}

/** Whether everything is built, so that little disk and no compiler are needed. */
export const allBuilt = (): boolean => families.every((family) => existsSync(outputDir(family)))

/** Builds one family unless it is in the cache; an interrupted build leaves nothing that looks finished. */
async function ensureFamily(family: Family): Promise<void> {
  const output = outputDir(family)
  if (existsSync(output)) return
  say('binaries', `building ${family.name} (a first build takes about ${family.takes} on two cores)`)
  const begun = performance.now()
  const unfinished = `${output}.unfinished`
  rmSync(unfinished, { recursive: true, force: true })
  mkdirSync(unfinished, { recursive: true })
  const entries = Object.entries(family.binaries)
  const [first] = entries
  const target = entries.length === 1 && first ? join(unfinished, first[0]) : `${unfinished}/`
  await run(
    'go',
    ['build', '-trimpath', '-ldflags', linkerFlags(family), '-o', target, ...Object.values(family.binaries)],
    {
      cwd: moduleDir(family),
      env: { CGO_ENABLED: '0', GOFLAGS: '-mod=readonly -buildvcs=false' },
    },
  )
  renameSync(unfinished, output)
  say('binaries', `${family.name} built in ${Math.round((performance.now() - begun) / 1000)} s`)
}

/** The families that a running node needs; the others can be built while images load. */
const nodeFamilies = ['etcd', 'kubernetes', 'coredns', 'provisioner']

export async function ensureNodeBinaries(): Promise<void> {
  for (const family of families) if (nodeFamilies.includes(family.name)) await ensureFamily(family)
}

export async function ensureTools(): Promise<void> {
  for (const family of families) if (!nodeFamilies.includes(family.name)) await ensureFamily(family)
}

/** cert-manager's controllers, and the folder with the definitions of its kinds. */
export async function ensureCertManager(): Promise<{ controller: string; definitions: string }> {
  await ensureFamily(certManager)
  const stdout = await run('go', ['mod', 'download', '-json', 'github.com/cert-manager/cert-manager'], {
    cwd: moduleDir(certManager),
  })
  const { Dir } = JSON.parse(stdout) as { Dir: string }
  return { controller: binary('cert-manager'), definitions: join(Dir, 'deploy', 'crds') }
}
