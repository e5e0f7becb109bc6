import 'reflect-metadata'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { webcrypto } from 'node:crypto'
import { join } from 'node:path'
import * as x509 from '@peculiar/x509'
import { addresses, configDir, nodeName, pkiDir, ports } from './paths.ts'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
/** Ten years: the cluster is for one machine and its key never leaves it; `make clean` makes new ones. */
const lifetimeMs = 3650 * 24 * 3600 * 1000

interface Subject {
  file: string
  commonName: string
  organization?: string
  dnsNames?: string[]
  ipAddresses?: string[]
}

/** Every certificate besides the authority. Kubernetes reads user and group from common name and organization. */
const subjects: Subject[] = [
  { file: 'etcd', commonName: 'etcd', ipAddresses: [addresses.node] },
  {
    file: 'apiserver',
    commonName: 'kube-apiserver',
    dnsNames: ['kubernetes', 'kubernetes.default', 'kubernetes.default.svc', 'kubernetes.default.svc.cluster.local'],
    ipAddresses: [addresses.node, addresses.apiService],
  },
  { file: 'apiserver-client', commonName: 'kube-apiserver', organization: 'system:masters' },
  { file: 'kubelet-server', commonName: nodeName, ipAddresses: [addresses.node], dnsNames: [nodeName] },
]

/** One kubeconfig for each: the name of the file and the user in it. */
const users: Subject[] = [
  { file: 'admin', commonName: 'admin', organization: 'system:masters' },
  { file: 'kube-controller-manager', commonName: 'system:kube-controller-manager' },
  { file: 'kube-scheduler', commonName: 'system:kube-scheduler' },
  { file: 'kubelet', commonName: `system:node:${nodeName}`, organization: 'system:nodes' },
  { file: 'kube-proxy', commonName: 'system:kube-proxy' },
  { file: 'coredns', commonName: 'system:coredns' },
  { file: 'volume-provisioner', commonName: 'supersmartmatch:volume-provisioner' },
]

export const pkiFile = (name: string): string => join(pkiDir, name)
export const kubeconfigFile = (user: string): string => join(configDir, `${user}.kubeconfig`)

async function newKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

async function privatePem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('pkcs8', keys.privateKey), 'PRIVATE KEY')
}

async function publicPem(keys: webcrypto.CryptoKeyPair): Promise<string> {
  return x509.PemConverter.encode(await webcrypto.subtle.exportKey('spki', keys.publicKey), 'PUBLIC KEY')
}

function writeSecret(file: string, content: string): void {
  writeFileSync(file, content, { mode: 0o600 })
}

function validity() {
  const now = Date.now()
  return { notBefore: new Date(now - 300_000), notAfter: new Date(now + lifetimeMs) }
}

function newSerial(): string {
  const bytes = webcrypto.getRandomValues(new Uint8Array(16))
  bytes[0] = (bytes[0] ?? 0) & 0x7f // a serial number is positive
  return Buffer.from(bytes).toString('hex')
}

interface Authority {
  certificate: x509.X509Certificate
  key: webcrypto.CryptoKey
}

async function ensureAuthority(): Promise<Authority> {
  if (!existsSync(pkiFile('ca.crt'))) {
    const keys = await newKeys()
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      serialNumber: newSerial(),
      name: 'CN=supersmartmatch-local',
      ...validity(),
      signingAlgorithm: algorithm,
      keys,
      extensions: [
        new x509.BasicConstraintsExtension(true, undefined, true),
        new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
        await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    })
    writeSecret(pkiFile('ca.key'), await privatePem(keys))
    // The certificate is written last: a run killed in between starts over.
    writeFileSync(pkiFile('ca.crt'), certificate.toString('pem'))
  }
  const key = await webcrypto.subtle.importKey(
    'pkcs8',
    x509.PemConverter.decodeFirst(readFileSync(pkiFile('ca.key'), 'utf8')),
    algorithm,
    false,
    ['sign'],
  )
  return { certificate: new x509.X509Certificate(readFileSync(pkiFile('ca.crt'), 'utf8')), key }
}

async function issue(authority: Authority, subject: Subject): Promise<{ certificate: string; key: string }> {
  const keys = await newKeys()
  const names = [
    ...(subject.dnsNames ?? []).map((value) => ({ type: 'dns' as const, value })),
    ...(subject.ipAddresses ?? []).map((value) => ({ type: 'ip' as const, value })),
  ]
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: newSerial(),
    subject: [{ CN: [subject.commonName] }, ...(subject.organization ? [{ O: [subject.organization] }] : [])],
    issuer: authority.certificate.subject,
    ...validity(),
    signingAlgorithm: algorithm,
    publicKey: keys.publicKey,
    signingKey: authority.key,
    extensions: [
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.certificate.publicKey),
      ...(names.length > 0 ? [new x509.SubjectAlternativeNameExtension(names)] : []),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await privatePem(keys) }
}

function kubeconfig(user: string, authority: string, certificate: string, key: string): string {
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  return JSON.stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [
        {
          name: 'supersmartmatch',
          cluster: {
            server: `https://${addresses.node}:${ports.api}`,
            'certificate-authority-data': base64(authority),
          },
        },
      ],
      users: [{ name: user, user: { 'client-certificate-data': base64(certificate), 'client-key-data': base64(key) } }],
      contexts: [{ name: 'supersmartmatch', context: { cluster: 'supersmartmatch', user } }],
      'current-context': 'supersmartmatch',
    },
    null,
    2,
  )
}

/** Makes the authority, the certificates, the service-account key and one kubeconfig per user; keeps those that exist. */
export async function ensureCertificates(): Promise<void> {
  mkdirSync(pkiDir, { recursive: true, mode: 0o700 })
  mkdirSync(configDir, { recursive: true, mode: 0o700 })
  const authority = await ensureAuthority()
  for (const subject of subjects) {
    if (existsSync(pkiFile(`${subject.file}.crt`))) continue
    const { certificate, key } = await issue(authority, subject)
    writeSecret(pkiFile(`${subject.file}.key`), key)
    writeFileSync(pkiFile(`${subject.file}.crt`), certificate)
  }
  if (!existsSync(pkiFile('service-account.pub'))) {
    const keys = await newKeys()
    writeSecret(pkiFile('service-account.key'), await privatePem(keys))
    writeFileSync(pkiFile('service-account.pub'), await publicPem(keys))
  }
  for (const user of users) {
    if (existsSync(kubeconfigFile(user.file))) continue
    const { certificate, key } = await issue(authority, user)
    writeSecret(
      kubeconfigFile(user.file),
      kubeconfig(user.commonName, authority.certificate.toString('pem'), certificate, key),
    )
  }
}
