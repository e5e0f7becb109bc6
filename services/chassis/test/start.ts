import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { CryptoKey, JWTPayload } from 'jose'
import { pino } from 'pino'
import { buildApp } from '../app.ts'
import { serializeError } from '../log.ts'
import { createMetrics } from '../metrics.ts'
import { audience, createTokenVerifier, issuer } from '../tokens.ts'

export interface Keys {
  file: string
  privateKey: CryptoKey
  publicKey: CryptoKey
  /** Puts another key under the id; tokens of the old one become worthless. */
  replace(): Promise<void>
  remove(): Promise<void>
}

/** A key pair and the JWKS file a service mounts. */
export async function createKeys(): Promise<Keys> {
  const dir = await mkdtemp(join(tmpdir(), 'tokens-test-'))
  const file = join(dir, 'public.jwks')
  const keys = { file, ...(await newPair(file)), replace, remove: () => rm(dir, { recursive: true }) }
  async function replace() {
    Object.assign(keys, await newPair(file))
  }
  return keys
}

async function newPair(file: string) {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519' })
  const jwk = { ...(await exportJWK(publicKey)), kid: 'k1', alg: 'EdDSA', use: 'sig' }
  await writeFile(file, JSON.stringify({ keys: [jwk] }))
  return { publicKey, privateKey }
}

export const aUser = '00000000-0000-4000-8000-000000000001'
export const secondsNow = () => Math.floor(Date.now() / 1_000)

/** Claims of a good token; a test changes one. */
export const goodClaims = (): JWTPayload => ({
  iss: issuer,
  aud: audience,
  sub: aUser,
  role: 'candidate',
  iat: secondsNow(),
  nbf: secondsNow(),
  exp: secondsNow() + 900,
})

export const sign = (key: CryptoKey | Uint8Array, claims: JWTPayload, header: { alg: string; kid?: string }) =>
  new SignJWT(claims).setProtectedHeader(header).sign(key)

/** The chassis with the routes of ./routes. @param log  gets every log line */
export async function startProbe(
  log: (line: string) => void = () => undefined,
  stores: object = { greeting: 'hello' },
) {
  const keys = await createKeys()
  const tokens = await createTokenVerifier({ file: keys.file, onError: (error) => log(String(error)), refreshMs: 20 })
  const metrics = createMetrics('probe')
  const state = { ready: true }
  const app = await buildApp({
    routes: join(import.meta.dirname, 'routes'),
    stores: { ...stores },
    openapi: { title: 'probe', description: 'A service for tests.', version: '1' },
    tokens,
    metrics,
    logger: pino({ level: 'info', base: null, serializers: { err: serializeError } }, { write: log }),
    ready: async () => state.ready,
  }).catch((error: unknown) => {
    tokens.stop()
    throw error
  })
  const close = async () => {
    await app.close()
    tokens.stop()
    await keys.remove()
  }
  return { app, keys, metrics, state, close }
}
