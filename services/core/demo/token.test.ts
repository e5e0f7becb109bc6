import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { exportJWK, generateKeyPair } from 'jose'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createTokenVerifier } from '../../chassis/tokens.ts'

/** The command behind `make token`, with a kubectl that knows one Secret. */

const run = promisify(execFile)
const userId = 'abcdef00-0000-4000-8000-00000000abcd'
let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'make-token-'))
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const jwks = { keys: [{ ...(await exportJWK(publicKey)), kid: 'k1', alg: 'EdDSA', use: 'sig' }] }
  await writeFile(join(dir, 'public.jwks'), JSON.stringify(jwks))
  const jwk = JSON.stringify({ ...(await exportJWK(privateKey)), kid: 'k1' })
  const secret = { data: { 'private.jwk': Buffer.from(jwk).toString('base64') } }
  await writeFile(join(dir, 'kubectl'), `#!/bin/sh\necho '${JSON.stringify(secret)}'\n`, { mode: 0o755 })
})
afterAll(() => rm(dir, { recursive: true }))

const token = (...args: string[]) =>
  run(process.execPath, [join(import.meta.dirname, 'token.ts'), ...args], {
    env: { ...process.env, PATH: `${dir}:${process.env['PATH'] ?? ''}` },
  })

test.each([userId, userId.toUpperCase()])('a token for %s is one the service takes', async (given) => {
  const { stdout } = await token('--role', 'recruiter', '--user', given)
  const onError = (error: unknown) => expect.unreachable(String(error))
  const verifier = await createTokenVerifier({ file: join(dir, 'public.jwks'), onError })
  expect(await verifier.verify(stdout.trim())).toEqual({ userId, role: 'recruiter' })
  verifier.stop()
})

test('a bad role or user id: one sentence instead of a stack', async () => {
  await expect(token('--role', 'root')).rejects.toThrow(/\nROLE must be one of [^\n]*\n$/)
  await expect(token('--role', 'admin', '--user', 'jane')).rejects.toThrow(/\nUSER must be a user id [^\n]*\n$/)
})

test('the reference page names the variables that the Makefile passes on', async () => {
  const read = (path: string) => readFile(new URL(`../../../${path}`, import.meta.url), 'utf8')
  const recipe = /^token:.*\n\t(.*)$/m.exec(await read('Makefile'))?.[1] ?? ''
  const example = /^make token (.*)$/m.exec(await read('docs/reference/http-api.md'))?.[1] ?? ''
  const named = [...example.matchAll(/(\w+)=/g)].map((m) => m[1])
  expect(named).toEqual(['ROLE', 'USER'])
  for (const name of named) expect(recipe).toContain(`"$(${name})"`)
})
