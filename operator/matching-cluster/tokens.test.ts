import { createLocalJWKSet, importJWK, jwtVerify, SignJWT, type JSONWebKeySet, type JWK } from 'jose'
import { expect, test } from 'vitest'
import { createTokenKeys } from './tokens.ts'

test('a token signed with the private key verifies with the public set, which holds no private part', async () => {
  const keys = createTokenKeys()
  const privateKey = await importJWK(JSON.parse(keys['private.jwk']) as JWK, 'EdDSA')
  const token = await new SignJWT({ sub: 'u' }).setProtectedHeader({ alg: 'EdDSA', kid: keys.kid }).sign(privateKey)
  const jwks = createLocalJWKSet(JSON.parse(keys['public.jwks']) as JSONWebKeySet)
  expect((await jwtVerify(token, jwks)).payload.sub).toBe('u')
  expect(keys['public.jwks']).not.toContain('"d"')
  expect(createTokenKeys().kid).not.toBe(keys.kid)
})
