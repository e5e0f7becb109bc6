import { generateKeyPairSync, randomUUID } from 'node:crypto'

/**
 * Values of the `<cluster>-tokens` Secret: an Ed25519 key pair that signs access tokens (RFC 8037).
 * `kid` names it, `private.jwk` signs, `public.jwks` is what services mount to verify.
 */
export function createTokenKeys(): Record<'kid' | 'private.jwk' | 'public.jwks', string> {
  const kid = randomUUID()
  const { d, ...publicKey } = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
  const jwk = { ...publicKey, kid, alg: 'EdDSA', use: 'sig' }
  return { kid, 'private.jwk': JSON.stringify({ ...jwk, d }), 'public.jwks': JSON.stringify({ keys: [jwk] }) }
}
