import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { clientConfig } from './connection.ts'

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
