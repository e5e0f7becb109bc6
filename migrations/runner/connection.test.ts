import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { clientConfig, endpointOf } from './connection.ts'

async function folder(files: Record<string, string>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'binding-'))
  onTestFinished(() => rm(dir, { recursive: true }))
  for (const [name, content] of Object.entries(files)) await writeFile(join(dir, name), content)
  return dir
}

test('a binding verifies the server against its CA and its host name', async () => {
  const files = { host: 'db.example\n', port: '5432', database: 'd', username: 'u', password: 'p', 'ca.crt': 'PEM\n' }
  expect(await clientConfig({ binding: await folder(files) })).toMatchObject({
    host: 'db.example',
    port: 5432,
    database: 'd',
    user: 'u',
    password: 'p',
    ssl: { ca: 'PEM\n', servername: 'db.example' },
  })
})

test('a CA beside a URL wins over weaker TLS settings in it', async () => {
  const dir = await folder({ 'ca.crt': 'PEM' })
  const url = 'postgres://u@db.example:5432/d?sslmode=disable&application_name=x'
  expect(await clientConfig({ url, ca: join(dir, 'ca.crt') })).toMatchObject({
    connectionString: 'postgres://u@db.example:5432/d?application_name=x',
    ssl: { ca: 'PEM', servername: 'db.example' },
  })
})

test('of another engine, a URL says host, port, database and login; https and tls are verified, http and nats are not encrypted', async () => {
  const ca = join(await folder({ 'ca.crt': 'PEM' }), 'ca.crt')
  expect(await endpointOf({ url: 'https://u:p%40@ch.example:8443/d', ca })).toEqual({
    host: 'ch.example',
    port: 8443,
    database: 'd',
    username: 'u',
    password: 'p@',
    ca: 'PEM',
    tls: true,
  })
  expect(await endpointOf({ url: 'tls://nats.example' })).toMatchObject({ port: 4222, database: '', tls: true })
  expect(await endpointOf({ url: 'nats://[::1]:1' })).toMatchObject({ host: '::1', port: 1, tls: false })
  expect(await endpointOf({ url: 'http://es.example:9200/search' })).toMatchObject({ tls: false, database: 'search' })
})

test('a binding of another engine is always TLS', async () => {
  const files = { host: 'h', port: '9200', database: 'search', username: 'u', password: 'p', 'ca.crt': 'PEM' }
  expect(await endpointOf({ binding: await folder(files) })).toMatchObject({
    host: 'h',
    port: 9200,
    ca: 'PEM',
    tls: true,
  })
})
