import { readFile } from 'node:fs/promises'
import { hostname } from 'node:os'
import { join } from 'node:path'
import type { ClientConfig } from 'pg'
import { bindingKeys } from '../../crds/binding.ts'
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
  const needed: BindingKey[] = ['host', 'port', 'database', 'username', 'password', 'ca.crt']
  const values = new Map<BindingKey, string>()
  for (const key of bindingKeys.filter((key) => needed.includes(key))) {
    const value = await readFile(join(dir, key), 'utf8').catch((error: unknown) => {
      throw new Refused('BadArguments', `--binding ${dir}: cannot read ${key}: ${String(error)}`)
    })
    values.set(key, key === 'ca.crt' ? value : value.trim())
  }
  const host = values.get('host') ?? ''
  return {
    host,
    port: Number(values.get('port')),
    database: values.get('database'),
    user: values.get('username'),
    password: values.get('password'),
    ssl: { ca: values.get('ca.crt'), servername: host },
  }
}

/** A password may also come from PGPASSWORD or ~/.pgpass, which keep it out of the process list. */
async function fromUrl(text: string, ca: string | undefined): Promise<ClientConfig> {
  if (!/^postgres(ql)?:\/\//.test(text) || !URL.canParse(text))
    throw new Refused('BadArguments', '--url is not of the form postgres://user:password@host:port/database')
  const url = new URL(text)
  if (ca === undefined) return { connectionString: text }
  for (const key of ['sslmode', 'sslrootcert']) url.searchParams.delete(key)
  const pem = await readFile(ca, 'utf8').catch((error: unknown) => {
    throw new Refused('BadArguments', `--ca ${ca}: ${String(error)}`)
  })
  return { connectionString: url.href, ssl: { ca: pem, servername: url.hostname } }
}
