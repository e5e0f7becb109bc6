import { createHash } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { isPassword, readConfig } from './config.ts'
import { parseXml, writeXml } from './xml.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clickhouse-'))
  for (const name of ['config.d', 'users.d']) mkdirSync(join(folder, name))
  for (const [name, text] of Object.entries(files)) write(name, text)
})
afterEach(() => rmSync(folder, { recursive: true }))
const write = (name: string, text: string) => writeFileSync(join(folder, name), text.replaceAll('FOLDER', folder))
const read = () => readConfig(join(folder, 'config.xml'))

const files = {
  'tls.crt': 'certificate',
  'tls.key': 'key',
  'config.xml': `<?xml version="1.0"?>
    <clickhouse>
      <https_port>8443</https_port> <!-- <https_port>1</https_port> -->
      <path>FOLDER/data</path>
      <openSSL><server><certificateFile>FOLDER/tls.crt</certificateFile><privateKeyFile>FOLDER/tls.key</privateKeyFile></server></openSSL>
      <mark_cache_size>1</mark_cache_size>
      <query_cache><max_entries>1</max_entries></query_cache>
      <macros><replica from_env="CONFIG_TEST_REPLICA"/></macros>
      <remote_servers><default><shard><replica><host>a</host></replica></shard></default></remote_servers>
    </clickhouse>`,
  'config.d/parameters.xml': `<clickhouse><mark_cache_size>2</mark_cache_size><query_cache><max_size_in_bytes>3</max_size_in_bytes></query_cache></clickhouse>`,
  'users.xml': `<clickhouse>
      <profiles><default/><base><max_threads>3</max_threads></base><app><profile>base</profile><readonly>1</readonly></app></profiles>
      <users><probe><password_sha256_hex>00</password_sha256_hex></probe></users>
    </clickhouse>`,
  'users.d/logins.xml': `<clickhouse><users><app>
      <password_sha256_hex>${createHash('sha256').update('secret').digest('hex')}</password_sha256_hex><profile>app</profile>
      <grants><query>GRANT SELECT ON a.*</query><query>GRANT INSERT ON b.*</query></grants>
    </app></users></clickhouse>`,
}

test('files in config.d go over the main one, element by element', () => {
  process.env['CONFIG_TEST_REPLICA'] = 'pod-0'
  const { port, tls, engineFiles } = read()
  expect({ port, tls }).toEqual({ port: 8443, tls: { cert: 'certificate', key: 'key' } })
  expect(engineFiles.settings).toBe(
    '<clickhouse><macros><replica>pod-0</replica></macros><mark_cache_size>2</mark_cache_size>' +
      '<query_cache><max_entries>1</max_entries><max_size_in_bytes>3</max_size_in_bytes></query_cache></clickhouse>',
  )
})

test('each login becomes a role of the one user that the engine knows, and nobody gets in without a password', () => {
  const { logins, engineFiles } = read()
  expect(logins.get('app')?.settings).toEqual([['max_threads', '3'], ['readonly', '1']]) // prettier-ignore
  expect(engineFiles.users).toContain(
    '<app><grants><query>GRANT SELECT ON a.*</query><query>GRANT INSERT ON b.*</query></grants></app>',
  )
  expect(engineFiles.users).toContain('<grants><query>GRANT `probe`</query><query>GRANT `app`</query></grants>')
  expect(isPassword(logins.get('app'), 'secret')).toBe(true)
  expect(isPassword(logins.get('app'), 'Secret')).toBe(false)
  for (const nobody of [logins.get('probe'), logins.get('default'), { name: 'x', passwordSha256: '', settings: [] }]) {
    expect(isPassword(nobody, '')).toBe(false)
  }
})

test('the digest changes with every file that is read', () => {
  const before = read().digest
  expect(read().digest).toBe(before)
  write('tls.crt', 'renewed')
  const renewed = read().digest
  expect(renewed).not.toBe(before)
  write('users.d/more.xml', '<clickhouse/>')
  expect(read().digest).not.toBe(renewed)
})

test.each([
  ['<a><b></a>', '</a> closes <b>'],
  ['<a>', 'not one whole XML element'],
  ['<a/><b/>', 'not one whole XML element'],
  ['<a b=c/>', 'not XML at character 0'],
])('%s is no configuration', (text, message) => expect(() => parseXml(text)).toThrow(message))

test('text is the same after it was written and read', () => {
  const text = `a < b && c > "d"`
  expect(parseXml(writeXml({ name: 'a', attributes: {}, children: [], text })).text).toBe(text)
})
