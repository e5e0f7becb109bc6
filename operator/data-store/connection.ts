import { isIP } from 'node:net'
import { X509Certificate } from 'node:crypto'
import { getCACertificates } from 'node:tls'
import type { KubeObject } from '../../crds/object.ts'
import type { ConnectionKey, DataStoreSpec } from '../../crds/schema/data-store.ts'
import type { Target } from '../engines/engine.ts'
import { secretValue } from '../secrets.ts'

type Reference = NonNullable<DataStoreSpec['connectionSecretRef']>

/** Where each value is looked for unless spec.connectionSecretRef.keys says otherwise. */
const usualKeys: Record<ConnectionKey, string> = {
  host: 'host',
  port: 'port',
  database: 'database',
  username: 'username',
  password: 'password',
  uri: 'uri',
  ca: 'ca.crt',
}

// prettier-ignore
export type ConnectionResult =
  | { kind: 'found';   target: Target }
  | { kind: 'invalid'; problems: string[] }

/**
 * How to reach an external store, by the Secret that its spec names. Single keys win over the URI. Pure, but for the certificates
 * that every system trusts. No problem tells a value: each names the key.
 * @param secrets  the one that the reference names, and that of the CA if it names another; undefined: it is not there
 * @param usual  port and database where neither key nor URI names one, and how the URI may begin
 */
export function connectionOf(
  { keys, values, caSecret }: Reference,
  { secret, authority }: { secret: KubeObject; authority?: KubeObject | undefined },
  usual: { port: number; uriSchemes: string[]; database: string },
): ConnectionResult {
  const problems: string[] = []
  const keyOf = (of: ConnectionKey) => keys[of] ?? usualKeys[of]
  const literal: Partial<Record<ConnectionKey, string>> = {
    ...values,
    ...(values.port ? { port: String(values.port) } : {}),
  } as never
  const given = (of: ConnectionKey) => {
    if (literal[of] !== undefined) return literal[of]
    const value = secretValue(secret, keyOf(of))
    // What the spec names must be there; what it leaves to the default may be missing.
    if (value === undefined && keys[of] !== undefined) problems.push(`key ${keyOf(of)} is missing or empty`)
    return of === 'password' ? value?.replace(/\r?\n$/, '') : value?.trim()
  }
  const uri = given('uri')
  const fromUri = uri === undefined ? {} : parseUri(uri, usual.uriSchemes)
  if (!fromUri)
    problems.push(
      `key ${keyOf('uri')} is not of the form ${usual.uriSchemes[0]}//user:password@host:port/database, with one host`,
    )

  const value = (of: 'host' | 'port' | 'database' | 'username' | 'password') => given(of) ?? fromUri?.[of]
  const required = (of: 'host' | 'username' | 'password') => {
    const found = value(of)
    if (found === undefined && fromUri && !keys[of])
      problems.push(
        `key ${keyOf(of)} is missing or empty${of === 'password' ? '' : `, and so is values.${of} beside it`}`,
      )
    return found ?? ''
  }
  const authorityIn = ({ name, key }: NonNullable<Reference['caSecret']>) => {
    const found = secretValue(authority, key)?.trim()
    if (!found)
      problems.push(`Secret ${name}, which connectionSecretRef.caSecret names, has no key ${key} or is not there`)
    return found ?? systemAuthorities()
  }
  const target = {
    host: required('host'),
    port: Number(value('port') ?? usual.port),
    database: value('database') ?? usual.database,
    username: required('username'),
    password: required('password'),
    ca: caSecret ? authorityIn(caSecret) : (given('ca') ?? systemAuthorities()),
  }
  if (target.host && !isHost(target.host))
    problems.push(`key ${keyOf('host')} is no host name and no IP address; a port has its own key, ${keyOf('port')}`)
  if (!isPort(target.port)) problems.push(`key ${keyOf('port')} is no port from 1 to 65535`)
  if (Buffer.byteLength(target.database) > 63) problems.push(`key ${keyOf('database')} is longer than 63 bytes`)
  if (!isPem(target.ca)) problems.push(`key ${keyOf('ca')} holds no certificate in PEM`)
  return problems.length > 0 ? { kind: 'invalid', problems: [...new Set(problems)] } : { kind: 'found', target }
}

type UriValues = Partial<Record<'host' | 'port' | 'database' | 'username' | 'password', string>>

/** Parameters such as sslmode are not read: the connection is verified whatever they say. Undefined when it is no such URI. */
function parseUri(text: string, schemes: string[]): UriValues | undefined {
  if (!schemes.some((scheme) => text.startsWith(`${scheme}//`)) || !URL.canParse(text)) return undefined
  const { hostname, port, pathname, username, password } = new URL(text)
  if (hostname.includes(',')) return undefined
  try {
    const host = hostname.replace(/^\[(.*)\]$/, '$1')
    const found = { host, port, database: pathname.slice(1), username, password }
    const decoded = Object.entries(found).map(([key, value]) => [key, decodeURIComponent(value)])
    return Object.fromEntries(decoded.filter(([, value]) => value !== '')) as UriValues
  } catch {
    return undefined // a lone % sign; said by the caller
  }
}

function isHost(text: string): boolean {
  return (
    isIP(text) !== 0 ||
    (text.length <= 253 && /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)*\.?$/i.test(text))
  )
}

const isPort = (port: number) => Number.isInteger(port) && port >= 1 && port <= 65535

function isPem(text: string): boolean {
  const blocks = text.match(/-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g) ?? []
  return blocks.length > 0 && blocks.every(isCertificate)
}

function isCertificate(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0
  } catch {
    return false // said by the caller
  }
}

/** Mozilla's, as Node carries them, and those of NODE_EXTRA_CA_CERTS. They go into the bindings: clients verify, too. */
const systemAuthorities = () => getCACertificates('default').join('\n')
