/**
 * What samples/bitnami.yaml relies on in Bitnami's charts (bitnami.json), and the lines of the sample that install them. Run as a program
 * it renders each chart as its line says and compares:
 *
 *   node charts/bitnami.ts            # charts from their registry
 *   node charts/bitnami.ts FOLDER     # from FOLDER/<chart>, with their own charts in FOLDER/<chart>/charts
 */
import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseAllDocuments } from 'yaml'
import { helm, root } from './helm.ts'

/** `{fullname}` in a name stands for what the chart calls a release. */
export interface Chart {
  chart: string
  version: string
  /** Where it is read from. */
  source: string
  /** Value of the chart that names an image -> the image, below `bitnami/` or `bitnamilegacy/`. */
  images: Record<string, string>
  /** Values by which the listeners speak TLS, with a certificate that the chart makes, and ask clients for none. */
  tls: string[]
  secret: string
  /** null: the Secret has no key that holds the password alone. */
  passwordKey: string | null
  username: string
  caSecret: string
  caKey: string
  /** Its key `tls.crt` is the server's certificate. */
  certificateSecret: string
  service: string
  port: number
}

/** A line of the sample. */
export interface Install {
  release: string
  chart: string
  version: string
  namespace: string
  /** Each `name=value` of its `--set` options. */
  values: string[]
  /** After the name of the chart, as a shell would split them. */
  options: string[]
}

const read = (path: string) => readFileSync(join(root, path), 'utf8')
export const sample = read('samples/bitnami.yaml')
const charts = JSON.parse(read('charts/bitnami.json')) as Chart[]
const registry = 'oci://registry-1.docker.io/bitnamicharts/'

/** The `helm install` lines among the comments. Pure. */
export function installsIn(text: string): Install[] {
  const comments = [...text.matchAll(/^# ?(.*)$/gm)].map(([, line = '']) => line).join('\n')
  const lines = comments.replaceAll(/\\\n/g, ' ').split('\n')
  return lines.flatMap((line) => {
    const [command, verb, release = '', chart = '', ...options] = words(line)
    return command === 'helm' && verb === 'install' ? [installOf(release, chart, options)] : []
  })
}

const words = (line: string) =>
  [...line.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(([, single, double, bare]) => single ?? double ?? bare ?? '')

function installOf(release: string, reference: string, options: string[]): Install {
  const after = (option: string) => options.flatMap((word, index) => (options[index - 1] === option ? [word] : []))
  const [version = ''] = after('--version')
  const [namespace = ''] = after('-n')
  const values = after('--set').flatMap((list) => list.split(','))
  return { release, chart: reference.replace(registry, ''), version, namespace, values, options }
}

/** The facts about what a line installs, with the names it gets. @throws when there are none */
export function factsOf({ release, chart }: Pick<Install, 'release' | 'chart'>): Chart {
  const facts = charts.find((one) => one.chart === chart)
  if (!facts) throw new Error(`charts/bitnami.json has no chart ${chart}`)
  const fullname = release.includes(chart) ? release : `${release}-${chart}`
  return JSON.parse(JSON.stringify(facts).replaceAll('{fullname}', fullname)) as Chart
}

export const hostOf = ({ service }: Chart, namespace: string) => `${service}.${namespace}.svc.cluster.local`

interface Rendered {
  kind: string
  metadata: { name: string }
  data?: Record<string, string>
  spec?: { ports?: { port: number }[] }
}

/** How what helm renders differs from the facts: a sentence each. */
function differences(install: Install, yaml: string): string[] {
  const facts = factsOf(install)
  const objects = parseAllDocuments(yaml).map((document) => document.toJS() as Rendered | null)
  const find = (kind: string, name: string) => objects.find((one) => one?.kind === kind && one.metadata.name === name)
  const value = (name: string, key: string) => Buffer.from(find('Secret', name)?.data?.[key] ?? '', 'base64').toString()
  const problems: string[] = []
  const expect = (holds: boolean, problem: string) => void (holds || problems.push(problem))

  if (facts.passwordKey) expect(value(facts.secret, facts.passwordKey) !== '', `no ${facts.passwordKey} in Secret ${facts.secret}`) // prettier-ignore
  const [ca, certificate] = [value(facts.caSecret, facts.caKey), value(facts.certificateSecret, 'tls.crt')]
  expect(ca !== '', `no ${facts.caKey} in Secret ${facts.caSecret}`)
  expect(certificate !== '', `no tls.crt in Secret ${facts.certificateSecret}`)
  if (ca && certificate) {
    const [authority, server] = [new X509Certificate(ca), new X509Certificate(certificate)]
    const host = hostOf(facts, install.namespace)
    expect(server.checkIssued(authority) && server.verify(authority.publicKey), 'the CA did not sign the certificate')
    expect(server.checkHost(host) !== undefined, `the certificate is not for ${host}, only for ${server.subjectAltName}`) // prettier-ignore
  }
  const ports = find('Service', facts.service)?.spec?.ports?.map(({ port }) => port) ?? []
  expect(ports.includes(facts.port), `Service ${facts.service} has no port ${facts.port}`)
  for (const [, image = ''] of yaml.matchAll(/^\s*(?:- )?image: "?([^"\s]+)/gm))
    expect(image.startsWith('docker.io/bitnamilegacy/'), `image ${image} is not one of bitnamilegacy`)
  return problems
}

function render({ release, chart, options }: Install, folder: string | undefined): string {
  return helm('template', release, folder ? join(folder, chart) : `${registry}${chart}`, ...options)
}

if (import.meta.main) {
  const [folder] = process.argv.slice(2)
  for (const install of installsIn(sample)) {
    const problems = differences(install, render(install, folder))
    console.log([`${install.chart} ${install.version}: ${problems.length === 0 ? 'as charts/bitnami.json says' : ''}`, ...problems].join('\n  ')) // prettier-ignore
    if (problems.length > 0) process.exitCode = 1
  }
}
