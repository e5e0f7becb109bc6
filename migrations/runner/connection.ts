import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { ClientConfig } from 'pg'
import type { BindingKey } from '../../crds/binding.ts'
import { Refused } from './errors.ts'

/** Where to connect: either a mounted binding Secret (one file per key), or a URL with, for verified TLS, a CA file. */
export interface Address {
  binding?: string | undefined
  url?: string | undefined
  ca?: string | undefined
}

/** @throws Refused when the address is not usable as given */
export async function clientConfig({ binding, url, ca }: Address): Promise<ClientConfig> {
  const config = binding === undefined ? await fromUrl(url ?? '', ca) : await fromBinding(binding)
  // The name that a second runner reports while it waits: in Kubernetes the host name is the pod's.
  return { ...config, application_name: `migrate ${hostname()} ${process.pid}`, keepAlive: true }
}

async function fromBinding(dir: string): Promise<ClientConfig> {
  const { host, port, database, username, password, ca } = await readBinding(dir)
  return { host, port, database, user: username, password, ssl: { ca, servername: host } }
}

/** How to reach an engine that is no PostgreSQL. */
export interface Endpoint {
  host: string
  port: number
  /** What the engine has in its place where it has no databases: how the names of indices begin, an account. */
  database: string
  username: string
  password: string
  /** PEM; undefined: the CAs that every system trusts. */
  ca: string | undefined
  tls: boolean
}

/** Ports where a URL names none. */
const usualPorts: Record<string, number> = { 'https:': 443, 'http:': 80, 'tls:': 4222, 'nats:': 4222 }

/** @throws Refused when the address is not usable as given */
export async function endpointOf({ binding, url: text = '', ca }: Address): Promise<Endpoint> {
  if (binding !== undefined) return { ...(await readBinding(binding)), tls: true }
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !(url.protocol in usualPorts))
    throw new Refused(
      'BadArguments',
      `--url is not of the form https://user@host:port/database, nor tls://user@host:port`,
    )
  return {
    host: url.hostname.replace(/^\[(.*)\]$/, '$1'),
    port: Number(url.port || usualPorts[url.protocol]),
    database: decodeURIComponent(url.pathname.slice(1)),
    username: decodeURIComponent(url.username),
    password: decodeURIComponent(url.password) || (process.env['MIGRATE_PASSWORD'] ?? ''),
    ca: ca === undefined ? undefined : await readCa(ca),
    tls: ['https:', 'tls:'].includes(url.protocol),
  }
}

/** The value of one key, as the pod finds it. */
export async function readKey(dir: string, key: BindingKey): Promise<string> {
  const value = await readFile(join(dir, key), 'utf8').catch((error: unknown) => {
    throw new Refused('BadArguments', `--binding ${dir}: cannot read ${key}: ${String(error)}`)
  })
  return key === 'ca.crt' ? value : value.trim()
}

async function readBinding(dir: string) {
  const [host, port, database] = [
    await readKey(dir, 'host'),
    await readKey(dir, 'port'),
    await readKey(dir, 'database'),
  ]
  const [username, password] = [await readKey(dir, 'username'), await readKey(dir, 'password')]
  return { host, port: Number(port), database, username, password, ca: await readKey(dir, 'ca.crt') }
}

/** A password may also come from PGPASSWORD or ~/.pgpass, which keep it out of the process list. */
async function fromUrl(text: string, ca: string | undefined): Promise<ClientConfig> {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text))
    throw new Refused('BadArguments', '--url is not of the form postgres://user:password@host:port/database')
  const url = new URL(text)
  if (ca === undefined) return { connectionString: text }
  for (const key of ['sslmode', 'sslrootcert']) url.searchParams.delete(key)
  const pem = await readCa(ca)
  return { connectionString: url.href, ssl: { ca: pem, servername: url.hostname } }
}

function readCa(file: string): Promise<string> {
  return readFile(file, 'utf8').catch((error: unknown) => {
    throw new Refused('BadArguments', `--ca ${file}: ${String(error)}`)
  })
}
