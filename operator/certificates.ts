import 'reflect-metadata'
import { createHash, createPrivateKey, webcrypto, X509Certificate } from 'node:crypto'
import * as x509 from '@peculiar/x509'

/** A certificate and its private key, both PEM (key: PKCS #8). */
export interface KeyPair {
  certificate: string
  key: string
}

const day = 86_400_000
const authorityDays = 3650
const serverDays = 90
const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }
/** Clocks differ: a certificate is valid a little before it was made. */
const backdate = 3_600_000

x509.cryptoProvider.set(webcrypto)

/** A self-signed CA, valid for ten years. */
export async function createAuthority(commonName: string, now: Date): Promise<KeyPair> {
  const keys = await generateKeys()
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: `CN=${commonName},O=supersmartmatch`,
    notBefore: new Date(now.getTime() - backdate),
    notAfter: new Date(now.getTime() + authorityDays * day),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) }
}

/** Members of a store that connect to each other show it as clients, too. */
const usages = [x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]

/** A server certificate for `dnsNames`, valid for 90 days. */
export async function issueServerCertificate(authority: KeyPair, dnsNames: string[], now: Date): Promise<KeyPair> {
  const keys = await generateKeys()
  const issuer = new x509.X509Certificate(authority.certificate)
  const signingKey = await importKey(authority.key)
  const certificate = await x509.X509CertificateGenerator.create({
    subject: `CN=${(dnsNames[0] ?? '').slice(0, 64)}`,
    issuer: issuer.subject,
    notBefore: new Date(now.getTime() - backdate),
    notAfter: new Date(now.getTime() + serverDays * day),
    signingAlgorithm: algorithm,
    signingKey,
    publicKey: keys.publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension(usages),
      new x509.SubjectAlternativeNameExtension(dnsNames.map((value) => ({ type: 'dns', value }))),
      await x509.AuthorityKeyIdentifierExtension.create(issuer),
    ],
  })
  return { certificate: certificate.toString('pem'), key: await exportKey(keys.privateKey) }
}

/** Why a server certificate must be issued anew, or undefined when it serves. It is renewed when a third of its life is left. */
export function whyReissue(pair: KeyPair, caPem: string, dnsNames: string[], now: Date): string | undefined {
  const certificate = parse(pair.certificate)
  if (!certificate) return 'it cannot be parsed'
  if (!belongsTo(pair.key, certificate)) return 'its key is not the right one'
  const ca = parse(caPem)
  if (!ca || !certificate.checkIssued(ca) || !certificate.verify(ca.publicKey)) return 'the CA changed'
  const lacking = whatItLacks(certificate, dnsNames)
  if (lacking) return lacking
  const left = certificate.validToDate.getTime() - now.getTime()
  const life = certificate.validToDate.getTime() - certificate.validFromDate.getTime()
  if (left < life / 3) return `it ends on ${certificate.validToDate.toISOString()}`
  return undefined
}

function whatItLacks(certificate: X509Certificate, dnsNames: string[]): string | undefined {
  if (!usages.every((usage) => certificate.keyUsage?.includes(usage))) return 'members cannot show it to each other'
  const missing = dnsNames.find((name) => certificate.checkHost(name) === undefined)
  return missing && `it does not name ${missing}`
}

/**
 * Why a certificate that somebody else issued does not serve, or undefined when it does.
 * @param pair   its certificate may be followed by those of intermediate CAs
 * @param caPem  what clients are given to verify it with
 */
export function whyUnfit(pair: KeyPair, caPem: string, dnsNames: string[], now: Date): string | undefined {
  const [certificate, ...between] = parseAll(pair.certificate)
  if (!certificate) return 'it cannot be parsed'
  if (!belongsTo(pair.key, certificate)) return 'its key is not the right one'
  const roots = parseAll(caPem)
  if (roots.length === 0) return 'no CA came with it: nobody could verify it'
  // Each renewal would be another CA, which restarts every pod and cuts off every client.
  if (roots.some((root) => root.fingerprint256 === certificate.fingerprint256))
    return 'it is its own CA, as those of SelfSigned issuers'
  if (!leadsTo(roots, certificate, between)) return 'it does not lead to a root CA in the ca.crt that came with it'
  const lacking = whatItLacks(certificate, dnsNames)
  if (lacking) return lacking
  return certificate.validToDate <= now ? `it ended on ${certificate.validToDate.toISOString()}` : undefined
}

/** As clients verify: up to a root that signed itself. */
function leadsTo(roots: X509Certificate[], certificate: X509Certificate, between: X509Certificate[]): boolean {
  const others = [...roots, ...between]
  let last = certificate
  for (let depth = 0; depth <= others.length; depth++) {
    if (isSignedBy(last, last)) return roots.some((root) => root.fingerprint256 === last.fingerprint256)
    const issuer = others.find((other) => isSignedBy(last, other))
    if (!issuer) return false
    last = issuer
  }
  return false
}

function isSignedBy(certificate: X509Certificate, issuer: X509Certificate): boolean {
  return certificate.checkIssued(issuer) && certificate.verify(issuer.publicKey)
}

/** The PEM of each certificate in the text. */
export const blocksOf = (pem: string): string[] =>
  pem.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []

/** Every certificate in the text; none when one of them cannot be parsed. */
function parseAll(pem: string): X509Certificate[] {
  const parsed = blocksOf(pem).map(parse)
  return parsed.every((one) => one !== undefined) ? parsed : []
}

function parse(pem: string): X509Certificate | undefined {
  try {
    return new X509Certificate(pem)
  } catch {
    return undefined // said by the caller: "cannot be parsed"
  }
}

/** sha256 of a certificate, in hex; of several, of all of them. */
export function fingerprint(certificatesPem: string): string {
  const hash = createHash('sha256')
  for (const { raw } of parseAll(certificatesPem)) hash.update(raw)
  return hash.digest('hex')
}

function belongsTo(keyPem: string, certificate: X509Certificate): boolean {
  try {
    return certificate.checkPrivateKey(createPrivateKey(keyPem))
  } catch {
    return false // said by the caller
  }
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
}

async function exportKey(key: webcrypto.CryptoKey): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', key)
  return x509.PemConverter.encode(der, 'PRIVATE KEY')
}

async function importKey(pem: string): Promise<webcrypto.CryptoKey> {
  const [der] = x509.PemConverter.decode(pem)
  if (!der) throw new Error('the CA key is not PEM')
  return webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign'])
}
