import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { failures, refusals } from './errors.ts'
import { newFolder, runCli } from './testing.ts'

const url = ['--url', 'postgres://x@127.0.0.1:1/x']

// prettier-ignore
test.each<[string, string[], RegExp]>([
  ['no command',          [],                                                   /say one command of plan, apply, status, verify, baseline, bootstrap/],
  ['an unknown command',  ['aply', '--schema', 'core', ...url],                 /say one command/],
  ['two commands',        ['plan', 'apply', '--schema', 'core', ...url],        /say one command/],
  ['no schema',           ['plan', ...url],                                     /--schema needs the name of a folder/],
  ['a path as schema',    ['plan', '--schema', '../core', ...url],              /--schema needs the name of a folder/],
  ['an unknown schema',   ['plan', '--schema', 'nowhere', ...url],              /--schema nowhere: cannot read/],
  ['no address',          ['plan', '--schema', 'core'],                         /either --binding or --url/],
  ['two addresses',       ['plan', '--schema', 'core', ...url, '--binding', 'x'], /either --binding or --url/],
  ['an empty binding',    ['plan', '--schema', 'core', '--binding', '/dev'],    /--binding \/dev: cannot read host/],
  ['another URL',         ['plan', '--schema', 'core', '--url', 'mysql://x/y'], /--url is not of the form postgres:/],
  ['a missing CA',        ['plan', '--schema', 'core', ...url, '--ca', '/no'],  /--ca \/no: .*ENOENT/],
  ['a CA with a binding', ['plan', '--schema', 'core', '--binding', 'x', '--ca', 'x'], /--ca goes with --url/],
  ['an unknown dialect',  ['plan', '--schema', 'core', ...url, '--dialect', 'mysql'], /--dialect is one of postgres, clickhouse, elasticsearch, nats/],
  ['another engine',      ['plan', '--schema', 'events', ...url],               /the database is postgres, and the files of --schema events are for nats/],
  ['which engine',        ['plan', '--schema', 'mine', '--url', 'https://x/y'], /say with --dialect which of postgres, clickhouse, elasticsearch, nats the database is/],
  ['a URL of another',    ['plan', '--schema', 'search', '--url', 'ftp://x/y'], /--url is not of the form https:/],
  ['roles of NATS',       ['bootstrap', '--schema', 'events', '--url', 'tls://x'], /bootstrap is for postgres, and this is nats/],
  ['no lease at all',     ['plan', '--schema', 'core', ...url, '--lease', '0'], /--lease needs a number of seconds/],
  ['an unknown option',   ['plan', '--schema', 'core', ...url, '--force'],      /Unknown option '--force'/],
  ['a bad wait',          ['plan', '--schema', 'core', ...url, '--wait', 'x'],  /--wait needs a number of seconds/],
  ['JSON of apply',       ['apply', '--schema', 'core', ...url, '--json'],      /--json goes with plan and status/],
  ['approval of a plan',  ['plan', '--schema', 'core', ...url, '--approve', '0123456789ab'], /--approve goes with apply/],
  ['half an approval',    ['apply', '--schema', 'core', ...url, '--approve', '0123'], /--approve needs the 12 digits that plan prints/],
  ['a target of none',    ['apply', '--schema', 'core', ...url, '--target', '0'], /--target needs the number of a file/],
  ['no such target',      ['apply', '--schema', 'core', ...url, '--target', '999999'], /there is no file 999999 in core/],
  ['what to adopt',       ['baseline', '--schema', 'core', ...url],             /baseline needs --target/],
  ['passwords of plan',   ['plan', '--schema', 'core', ...url, '--passwords', 'x'], /--passwords goes with bootstrap/],
])('%s is one sentence and exit code 2', async (_name, args, message) => {
  const { code, stdout, stderr } = await runCli(...args).done
  expect(stderr).toMatch(message)
  expect(stderr).toMatch(/^BadArguments: [^\n]*\n$/)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
})

test('bootstrap refuses passwords of roles it does not set: a slip would leave the real one as it was', async () => {
  const folder = await newFolder({ 'cluster.sql': 'SELECT 1;' })
  const file = join(folder.dir, 'passwords.json')
  await writeFile(file, '{"supersmartmatch_test_owner": "a", "supersmartmatch_test_apa": "b"}')
  const args = ['bootstrap', '--schema', 'test', '--dir', folder.dir, ...url, '--wait', '0', '--passwords', file]
  const { code, stderr } = await runCli(...args).done
  expect(stderr).toMatch(
    /^BadArguments: the passwords name supersmartmatch_test_apa; bootstrap sets only those of supersmartmatch_test_owner, /,
  )
  expect(code).toBe(2)
})

test('a refusal is in the termination log, in one line', async () => {
  const folder = await newFolder({ '000002_b.sql': 'SELECT 1;' })
  const log = join(folder.dir, 'log')
  const args = ['apply', '--schema', 'test', '--dir', folder.dir, ...url, '--termination-log', log]
  expect(await runCli(...args).done).toMatchObject({ code: 2 })
  expect(await readFile(log, 'utf8')).toBe('NumberGap: there is no file 000001_*.sql, but there is 000002_b.sql\n')
})

test('--help names every command and exits 0', async () => {
  const { code, stdout } = await runCli('--help').done
  expect(code).toBe(0)
  for (const word of ['plan', 'apply', 'status', 'verify', 'bootstrap', '--binding', '--dialect', '--lease'])
    expect(stdout).toContain(word)
})

test('docs/reference/migrate.md explains exactly the reasons there are', async () => {
  const page = await readFile(join(import.meta.dirname, '../../docs/reference/migrate.md'), 'utf8')
  const explained = [...page.matchAll(/^\| `([A-Z]\w+)` /gm)].map((match) => match[1])
  expect(explained).toEqual([...refusals, ...failures])
})
