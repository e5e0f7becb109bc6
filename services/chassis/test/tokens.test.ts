import { exportJWK, generateKeyPair, generateSecret } from 'jose'
import type { JWTPayload } from 'jose'
import { writeFile } from 'node:fs/promises'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { createTokenVerifier } from '../tokens.ts'
import type { TokenVerifier } from '../tokens.ts'
import { aUser, createKeys, goodClaims, secondsNow, sign } from './start.ts'
import type { Keys } from './start.ts'

let keys: Keys
let tokens: TokenVerifier
const onError = vi.fn()
const header = { alg: 'EdDSA', kid: 'k1' }

beforeAll(async () => {
  keys = await createKeys()
  tokens = await createTokenVerifier({ file: keys.file, onError, refreshMs: 10 })
})
afterAll(async () => {
  tokens.stop()
  await keys.remove()
})

const refused = (token: string) => expect(tokens.verify(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
const base64url = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')

test('a good token is its person and role, also from the cache', async () => {
  const token = await sign(keys.privateKey, goodClaims(), header)
  for (let i = 0; i < 2; i++) expect(await tokens.verify(token)).toEqual({ userId: aUser, role: 'candidate' })
})

test.each([
  ['no subject', { sub: undefined }],
  ['a subject that is no id', { sub: 'admin' }],
  ['no role', { role: undefined }],
  ['an unknown role', { role: 'superuser' }],
  ['a role from a prototype', { role: 'constructor' }],
  ['several roles', { role: ['admin'] }],
  ['another issuer', { iss: 'somebody' }],
  ['another audience', { aud: 'another-service' }],
  ['no audience', { aud: undefined }],
  ['expired', { iat: secondsNow() - 800, nbf: secondsNow() - 800, exp: secondsNow() - 10 }],
  ['no expiry', { exp: undefined }],
  ['not yet valid', { nbf: secondsNow() + 60 }],
  ['no nbf', { nbf: undefined }],
  ['from the future', { iat: secondsNow() + 60 }],
  ['no iat', { iat: undefined }],
  ['too old, whatever its expiry says', { iat: secondsNow() - 1_000, exp: secondsNow() + 9_000 }],
])('refused: %s', async (_name, claims) => {
  await refused(await sign(keys.privateKey, { ...goodClaims(), ...claims } as JWTPayload, header))
})

test('refused: alg none, in every spelling', async () => {
  for (const alg of ['none', 'None', 'NONE', '']) {
    await refused(`${base64url({ alg, kid: 'k1' })}.${base64url({ ...goodClaims(), role: 'admin' })}.`)
  }
})

test('refused: HS256 with the public key as the secret', async () => {
  const jwk = await exportJWK(keys.publicKey)
  for (const secret of [
    Buffer.from(jwk.x ?? '', 'base64url'),
    Buffer.from(JSON.stringify(jwk)),
    Buffer.from(jwk.x ?? ''),
  ]) {
    await refused(await sign(new Uint8Array(secret), goodClaims(), { alg: 'HS256', kid: 'k1' }))
  }
})

test('refused: other algorithms, keys, key ids', async () => {
  const rsa = await generateKeyPair('RS256')
  await refused(await sign(rsa.privateKey, goodClaims(), { alg: 'RS256', kid: 'k1' }))
  const ec = await generateKeyPair('ES256')
  await refused(await sign(ec.privateKey, goodClaims(), { alg: 'ES256', kid: 'k1' }))
  const stranger = await generateKeyPair('EdDSA', { crv: 'Ed25519' })
  await refused(await sign(stranger.privateKey, goodClaims(), header))
  await refused(
    await sign(await generateSecret('HS512', { extractable: true }), goodClaims(), { alg: 'HS512', kid: 'k1' }),
  )
  await refused(await sign(keys.privateKey, goodClaims(), { alg: 'EdDSA', kid: 'k2' }))
  await refused(await sign(keys.privateKey, goodClaims(), { alg: 'EdDSA' }))
})

test('refused: anything changed after signing, the signature left out, a key brought along', async () => {
  const good = await sign(keys.privateKey, goodClaims(), header)
  const [head = '', body = '', signature = ''] = good.split('.')
  const admin = base64url({ ...goodClaims(), role: 'admin' })
  const own = await generateKeyPair('EdDSA', { crv: 'Ed25519' })
  const withKey = { alg: 'EdDSA', kid: 'k1', jwk: await exportJWK(own.publicKey) }
  await refused(`${head}.${admin}.${signature}`)
  await refused(`${head}.${body}.`)
  await refused(`${head}.${body}.${signature.slice(0, -4)}AAAA`)
  await refused(`${head}.${body}`)
  await refused('a.b.c')
  await refused(await sign(own.privateKey, goodClaims(), withKey))
})

test('a replaced key is used from the next look at the file on, and ends cached tokens; a bad file changes nothing', async () => {
  const old = await sign(keys.privateKey, goodClaims(), header)
  await tokens.verify(old)
  await keys.replace()
  const next = await sign(keys.privateKey, goodClaims(), header)
  await vi.waitFor(() => tokens.verify(next), { timeout: 5_000 })
  await refused(old)

  onError.mockClear()
  await writeFile(keys.file, '{"keys":[]}')
  await vi.waitFor(() => expect(onError).toHaveBeenCalled(), { timeout: 5_000 })
  expect(await tokens.verify(next)).toMatchObject({ userId: aUser })
})

test('a file with a private key, or none, does not start', async () => {
  const other = await createKeys()
  const { file } = other
  const jwk = { kid: 'k1', kty: 'OKP', crv: 'Ed25519', x: 'a', d: 'secret' }
  await writeFile(file, JSON.stringify({ keys: [jwk] }))
  await expect(createTokenVerifier({ file, onError })).rejects.toThrow('not a set of public Ed25519 keys')
  await expect(createTokenVerifier({ file: `${file}.none`, onError })).rejects.toThrow('ENOENT')
  await other.remove()
})
