import 'reflect-metadata'
import { connect, createServer } from 'node:tls'
import type { AddressInfo } from 'node:net'
import { X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { Condition, ConditionType } from '../crds/conditions.ts'
import type { KubeObject } from '../crds/object.ts'
import { apiVersion } from '../crds/schema/common.ts'
import type { DataStore } from '../crds/schema/data-store.ts'
import { createAuthority, fingerprint, type KeyPair } from './certificates.ts'
import { currentAuthority } from './credentials.ts'
import type { Members } from './engines/engine.ts'
import { client, edit, testNamespace, until } from './kube/testing/cluster.ts'
import type { ResourceRef } from './kube/resources.ts'
import { resources } from './kube/resources.ts'
import { caHash } from './labels.ts'
import { secret, secretValue } from './secrets.ts'
import { caIssuer, certManagerFor, type CertManager } from './testing/cert-manager.ts'
import { beyondAnyNode } from './testing/kubelet.ts'
import { testOperator } from './testing/operator.ts'
import { coreAlone } from './testing/platform.ts'

/**
 * The API server, its controllers and cert-manager are real; the kubelet and what an engine answers are played. Tests build on each
 * other: cert-manager is not there at first.
 */
const namespace = await testNamespace()
const operator = testOperator(namespace)
const storeKind = { apiVersion, kind: 'DataStore' }
const clusterKind = { apiVersion, kind: 'MatchingCluster' }
const secretKind = { apiVersion: 'v1', kind: 'Secret' }
const podKind = { apiVersion: 'v1', kind: 'Pod' }
const statefulSetKind = { apiVersion: 'apps/v1', kind: 'StatefulSet' }
const certificateKind = { apiVersion: 'cert-manager.io/v1', kind: 'Certificate' }
const requestKind = { apiVersion: 'cert-manager.io/v1', kind: 'CertificateRequest' }
resources.push({ ...requestKind, plural: 'certificaterequests', namespaced: true })
const clusterIssuer = `platform-${namespace}`

let certManager: CertManager
let team: KeyPair
/** By pod: what its members have loaded. */
const shown = new Map<string, string>()

beforeAll(async () => {
  certManager = await certManagerFor(namespace)
  team = await createAuthority('team', new Date())
  const members = operator.tools.engines['postgres']?.members as Members
  members.shownCertificates = async ({ serverName }) => [shown.get(serverName.split('.')[0] ?? '') ?? '']
  members.reload = async ({ serverName }) => {
    const [pod = ''] = serverName.split('.')
    const certificate = await valueOf(`${pod.replace(/-\d+$/, '')}-tls`, 'tls.crt')
    shown.set(pod, new X509Certificate(certificate).fingerprint256)
  }
  operator.start()
}, 1_200_000)
afterAll(() => certManager[Symbol.asyncDispose]())

const get = (kind: ResourceRef, name: string) => client.get(kind, namespace, name)
const read = async (name: string, kind = storeKind) => (await get(kind, name)) as DataStore | undefined
/** cert-manager ends a certificate with a line feed, we do not. */
const valueOf = async (name: string, key: string) => (secretValue(await get(secretKind, name), key) ?? '').trim()

async function make(name: string, spec: object): Promise<void> {
  const whole = { engine: 'postgres', schema: { name: 'core' }, resources: { cpu: beyondAnyNode }, ...spec }
  await client.create({ ...storeKind, metadata: { name, namespace }, spec: whole })
}

const issuerRef = (name: string, more: object = {}) => ({ tls: { issuerRef: { name, ...more } } })

async function change(name: string, spec: object): Promise<void> {
  await edit((await get(storeKind, name))!, { spec })
}

async function condition(
  name: string,
  type: ConditionType,
  wanted: Partial<Condition>,
  kind = storeKind,
): Promise<string> {
  let found: Condition | undefined
  await until(async () => {
    const store = await read(name, kind)
    const one = store?.status?.conditions.find((each) => each.type === type)
    found = one?.observedGeneration === store?.metadata.generation ? one : undefined
    return Object.entries(wanted).every(([key, value]) => found?.[key as keyof Condition] === value)
  }, 60_000).catch((error: unknown) => {
    throw new Error(`${type} of ${name}: ${JSON.stringify(found)}`, { cause: error })
  })
  return found?.message ?? ''
}

const ready = (name: string) => condition(name, 'Ready', { status: 'True' })

/** What a client of this name finds that trusts this CA. */
async function handshake(tls: string, ca: string, servername: string): Promise<string> {
  const own = { cert: await valueOf(tls, 'tls.crt'), key: await valueOf(tls, 'tls.key') }
  const listener = createServer(own, (socket) => socket.end())
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const { port } = listener.address() as AddressInfo
  try {
    return await new Promise((resolve) => {
      const socket = connect({ port, host: '127.0.0.1', servername, ca }, () => {
        resolve('authorized')
        socket.end()
      })
      socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    })
  } finally {
    listener.close()
  }
}

/** The CA of a store's certificate, without those before it, which are trusted for a while. */
const signedBy = async (name: string) => currentAuthority(await get(secretKind, `${name}-tls`))?.trim()

const podUid = async (name: string) => (await get(podKind, `${name}-0`))?.metadata.uid

async function caInTemplate(name: string): Promise<string | undefined> {
  const spec = (await get(statefulSetKind, name))?.['spec'] as { template: { metadata: KubeObject['metadata'] } }
  return spec.template.metadata.annotations?.[caHash]
}

async function putAuthority(name: string, { certificate, key }: KeyPair): Promise<void> {
  await client.create(secret({ name, namespace, labels: {} }, { 'tls.crt': certificate, 'tls.key': key }))
}

test('cert-manager is not installed: said, a new store makes nothing, one that runs goes on, others are not concerned', async () => {
  await make('switch', {})
  await ready('switch')
  const before = [await podUid('switch'), await valueOf('switch-tls', 'tls.crt')]
  await change('switch', issuerRef('team'))
  const message = await condition('switch', 'DependenciesReady', { status: 'False', reason: 'IssuerUnavailable' })
  expect(message).toContain('cert-manager is not installed in this cluster')
  await condition('switch', 'BindingPublished', { status: 'True' })
  expect([await podUid('switch'), await valueOf('switch-tls', 'tls.crt')]).toEqual(before)
  await make('early', issuerRef('team'))
  await condition('early', 'DependenciesReady', { status: 'False', reason: 'IssuerUnavailable' })
  await condition('early', 'ObjectsApplied', { status: 'Unknown' })
  expect(await get(statefulSetKind, 'early')).toBeUndefined()
  await make('plain', {})
  await ready('plain')
})

test('an issuer that does not exist, one that is not ready, and then both stores are signed by it', async () => {
  await certManager.install()
  const missing = await condition('early', 'DependenciesReady', { reason: 'IssuerUnavailable', status: 'False' })
  await until(async () => JSON.stringify((await read('early'))?.status).includes('which is not there'), 60_000)
  expect(missing).toContain('spec.tls.issuerRef')
  await client.create(caIssuer('Issuer', 'team', 'team-root', namespace))
  await until(async () => JSON.stringify((await read('early'))?.status).includes('team-root'), 60_000)
  const pod = await podUid('switch')
  await putAuthority('team-root', team)

  await ready('early')
  await ready('switch')
  for (const name of ['early', 'switch']) {
    expect(await signedBy(name)).toBe(team.certificate.trim())
    const server = `${name}.${namespace}.svc`
    expect(await handshake(`${name}-tls`, await valueOf(`${name}-app`, 'ca.crt'), server)).toBe('authorized')
    expect(await handshake(`${name}-tls`, team.certificate, 'evil.ns.svc')).toBe('ERR_TLS_CERT_ALTNAME_INVALID')
    const { keyUsage, publicKey } = new X509Certificate(await valueOf(`${name}-tls`, 'tls.crt'))
    expect(keyUsage).toEqual(['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
    expect(publicKey.asymmetricKeyType).toBe('ec')
    expect(await caInTemplate(name)).toBe(fingerprint(team.certificate))
  }
  const certificate = await get(certificateKind, 'early-tls')
  expect(certificate?.metadata.ownerReferences?.[0]).toMatchObject({ kind: 'DataStore', name: 'early' })
  expect(certificate?.['spec']).toMatchObject({ secretName: 'early-issued', duration: '2160h', renewBefore: '720h' })
  // Another CA: nobody could verify what the old pod shows.
  await until(async () => (await podUid('switch')) !== pod)
}, 240_000)

test('at rest nothing is written', async () => {
  const versions = async () => [
    (await read('early'))?.metadata.resourceVersion,
    (await get(certificateKind, 'early-tls'))?.metadata.resourceVersion,
    (await get(secretKind, 'early-tls'))?.metadata.resourceVersion,
  ]
  const before = await versions()
  await edit((await get(storeKind, 'early'))!, { metadata: { annotations: { look: 'again' } } })
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  expect((await versions()).slice(1)).toEqual(before.slice(1))
})

test('a certificate that cert-manager renews reaches the pods that run, and restarts none', async () => {
  const [before, pod] = [await valueOf('early-tls', 'tls.crt'), await podUid('early')]
  const certificate = (await get(certificateKind, 'early-tls'))!
  const { conditions } = certificate['status'] as { conditions: { type: string }[] }
  const now = `${new Date().toISOString().slice(0, 19)}Z`
  const renew = { type: 'Issuing', status: 'True', reason: 'ManuallyTriggered', message: '', lastTransitionTime: now }
  const status = { conditions: [...conditions.filter(({ type }) => type !== 'Issuing'), renew] }
  await client.mergePatch(certificateKind, namespace, 'early-tls', { status }, 'status')
  await until(async () => (await valueOf('early-tls', 'tls.crt')) !== before, 60_000)
  const renewed = new X509Certificate(await valueOf('early-tls', 'tls.crt')).fingerprint256
  await until(() => shown.get('early-0') === renewed, 60_000)
  expect(await podUid('early')).toBe(pod)
})

test('one that is not renewed in time is a warning while it still serves', async () => {
  operator.tools.now = () => new Date(Date.now() + 62 * 86_400_000)
  await edit((await get(storeKind, 'early'))!, { metadata: { annotations: { look: 'in two months' } } })
  const message = await condition('early', 'DependenciesReady', { status: 'False', reason: 'CertificatePending' })
  expect(message).toContain('Certificate early-tls was to be renewed by Issuer team at ')
  await ready('early')
  operator.tools.now = () => new Date()
  await edit((await get(storeKind, 'early'))!, { metadata: { annotations: { look: 'today' } } })
  await condition('early', 'DependenciesReady', { status: 'True' })
})

test('a webhook of cert-manager that does not answer keeps nothing else from being looked after', async () => {
  const webhook = {
    name: 'down.example.com',
    admissionReviewVersions: ['v1'],
    sideEffects: 'None',
    clientConfig: { url: 'https://127.0.0.1:1/' },
    namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } },
    rules: [{ apiGroups: ['cert-manager.io'], apiVersions: ['*'], operations: ['*'], resources: ['certificates'] }],
  }
  const path = '/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations'
  const body = { apiVersion: 'admissionregistration.k8s.io/v1', kind: 'ValidatingWebhookConfiguration' }
  await client.request('POST', path, { body: { ...body, metadata: { name: namespace }, webhooks: [webhook] } })
  try {
    await until(async () => {
      await change('early', issuerRef(`other-${Date.now()}`))
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      return JSON.stringify((await read('early'))?.status).includes('failed calling webhook')
    })
    await condition('early', 'DependenciesReady', { status: 'False', reason: 'IssuerUnavailable' })
    await condition('early', 'BindingPublished', { status: 'True' })
  } finally {
    await client.request('DELETE', `${path}/${namespace}`)
  }
  await change('early', issuerRef('team'))
  await ready('early')
})

test('a Certificate that somebody deletes is asked for again', async () => {
  const { uid } = (await get(certificateKind, 'early-tls'))!.metadata
  await client.delete((await get(certificateKind, 'early-tls'))!)
  await edit((await get(storeKind, 'early'))!, { metadata: { annotations: { look: 'once more' } } })
  await until(async () => ![undefined, uid].includes((await get(certificateKind, 'early-tls'))?.metadata.uid), 60_000)
  await ready('early')
})

test('without the issuer the operator signs again, and takes back what it asked of cert-manager', async () => {
  const pod = await podUid('switch')
  await change('switch', { tls: { issuerRef: null } })
  await ready('switch')
  const own = await valueOf('switch-ca', 'tls.crt')
  expect(await signedBy('switch')).toBe(own.trim())
  // Clients trust both as well, until the pod has followed.
  expect(await valueOf('switch-app', 'ca.crt')).toBe(await valueOf('switch-tls', 'ca.crt'))
  expect(await caInTemplate('switch')).toBe(fingerprint(own))
  await until(async () => (await podUid('switch')) !== pod)
  for (const [kind, name] of [[certificateKind, 'switch-tls'] as const, [secretKind, 'switch-issued'] as const])
    await until(async () => (await get(kind, name)) === undefined)
})

test('certificates that nobody could verify, or that change with each renewal, are refused; what runs goes on', async () => {
  await signedByTeam('early')
  const before = await valueOf('early-tls', 'tls.crt')
  await client.apply({ ...caIssuer('Issuer', 'each', '', namespace), spec: { selfSigned: {} } }, { force: true })
  await change('early', issuerRef('each'))
  const own = await condition('early', 'DependenciesReady', { status: 'False', reason: 'CertificateUnusable' })
  expect(own).toContain('it is its own CA')
  await condition('early', 'BindingPublished', { status: 'True' })

  // As an ACME issuer would, this one gives no CA.
  await change('early', issuerRef('outside', { group: 'issuers.example.com', kind: 'Outside' }))
  await condition('early', 'DependenciesReady', { status: 'False', reason: 'CertificatePending' })
  await playIssuer('early-tls', await createAuthority('outside', new Date()))
  const none = await condition('early', 'DependenciesReady', { status: 'False', reason: 'CertificateUnusable' })
  expect(none).toContain('no CA came with it')
  expect(await valueOf('early-tls', 'tls.crt')).toBe(before)
  await signedByTeam('early')
}, 240_000)

/** Whatever issuer it had, also where a test before left one that does not work. */
async function signedByTeam(name: string): Promise<void> {
  await change(name, issuerRef('team', { group: null, kind: null }))
  await ready(name)
}

/** Signs what this Certificate asks for, as the controller of an external issuer would. */
async function playIssuer(certificate: string, authority: KeyPair): Promise<void> {
  const open = async () =>
    (await client.list(requestKind, namespace)).find(
      ({ metadata, spec, status }) =>
        metadata.annotations?.['cert-manager.io/certificate-name'] === certificate &&
        (spec as { issuerRef: { name: string } }).issuerRef.name === 'outside' &&
        // Nothing is in it until cert-manager has looked.
        JSON.stringify(status ?? {}).includes('Approved'),
    )
  await until(async () => (await open()) !== undefined, 60_000)
  const request = (await open())!
  const pem = Buffer.from((request['spec'] as { request: string }).request, 'base64').toString()
  const csr = new x509.Pkcs10CertificateRequest(pem)
  const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
  const [der] = x509.PemConverter.decode(authority.key)
  const signingKey = await crypto.subtle.importKey('pkcs8', der!, algorithm, false, ['sign'])
  const signed = await x509.X509CertificateGenerator.create({
    subject: csr.subject,
    issuer: new x509.X509Certificate(authority.certificate).subject,
    notBefore: new Date(Date.now() - 60_000),
    notAfter: new Date(Date.now() + 90 * 86_400_000),
    signingAlgorithm: algorithm,
    signingKey,
    publicKey: csr.publicKey,
    extensions: csr.extensions,
  })
  const { conditions } = request['status'] as { conditions: object[] }
  const lastTransitionTime = `${new Date().toISOString().slice(0, 19)}Z`
  const issued = { type: 'Ready', status: 'True', reason: 'Issued', message: '', lastTransitionTime }
  const status = {
    certificate: Buffer.from(signed.toString('pem')).toString('base64'),
    conditions: [...conditions.filter((one) => !JSON.stringify(one).includes('"Ready"')), issued],
  }
  await client.mergePatch(request, namespace, request.metadata.name, { status }, 'status')
}

test('a MatchingCluster: stores and pooler each have a certificate of its issuer, and clients are given the pooler’s CA', async () => {
  const platform = await createAuthority('platform', new Date())
  await putAuthority('platform-root', platform)
  await client.create(caIssuer('ClusterIssuer', clusterIssuer, 'platform-root'))
  const stores = { ...coreAlone, core: { resources: { cpu: beyondAnyNode } } }
  const pooling = { resources: { cpu: beyondAnyNode } }
  const spec = { ...issuerRef(clusterIssuer, { kind: 'ClusterIssuer' }), stores, pooling }
  await client.create({ ...clusterKind, metadata: { name: 'demo', namespace }, spec })
  await ready('demo-core')
  await until(async () => (await valueOf('demo-core-app', 'ca.crt')) === platform.certificate, 60_000)
  await until(async () => (await valueOf('demo-pooler-tls', 'ca.crt')) === platform.certificate, 60_000)
  const ca = await valueOf('demo-core-app', 'ca.crt')
  expect(await handshake('demo-pooler-tls', ca, `demo-pooler.${namespace}.svc`)).toBe('authorized')
  expect((await read('demo-core'))?.spec).toMatchObject({
    tls: { issuerRef: { name: clusterIssuer } },
    binding: { caSecret: 'demo-pooler-tls' },
  })
  expect(await get(secretKind, 'demo-ca')).toBeUndefined()

  // Back to the operator's own, and away with everything.
  await edit((await get(clusterKind, 'demo'))!, { spec: { tls: { issuerRef: null }, deletionPolicy: 'Delete' } })
  await until(async () => (await valueOf('demo-core-app', 'ca.crt')) === (await valueOf('demo-ca', 'tls.crt')), 60_000)
  await client.request('DELETE', `/apis/${apiVersion}/namespaces/${namespace}/matchingclusters/demo`)
  await until(async () => (await get(clusterKind, 'demo')) === undefined, 120_000)
}, 240_000)

test('deletionPolicy Delete takes Certificate and Secrets along, and cert-manager brings none of them back', async () => {
  await signedByTeam('early')
  await change('early', { deletionPolicy: 'Delete' })
  await ready('early')
  await client.request('DELETE', `/apis/${apiVersion}/namespaces/${namespace}/datastores/early`)
  await until(async () => (await get(storeKind, 'early')) === undefined, 60_000)
  await new Promise((resolve) => setTimeout(resolve, 3_000))
  const secrets = await client.list(secretKind, namespace)
  expect(secrets.map(({ metadata }) => metadata.name).filter((name) => name.startsWith('early-'))).toEqual([])
  await until(async () => (await get(certificateKind, 'early-tls')) === undefined)
})
