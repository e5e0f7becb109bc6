import { readFile } from 'node:fs/promises'
import { createLocalJWKSet, errors as joseErrors, jwtVerify } from 'jose'
import type { JSONWebKeySet, JWTPayload } from 'jose'
import { AppError } from './errors.ts'
import { roles } from './roles.ts'
import type { Role } from './roles.ts'
import { uuidPattern } from './uuid.ts'
import { watch } from './watch.ts'

export const issuer = 'supersmartmatch'
export const audience = 'supersmartmatch'
/** A token is good for this long at most, whatever its exp says. */
export const tokenLifetimeSeconds = 15 * 60

export interface Identity {
  userId: string
  role: Role
}

export interface TokenVerifier {
  /**
   * @param token  a compact JWS: EdDSA, one of the file's keys by its kid, issuer, audience, sub, role, iat, nbf, exp
   * @throws AppError UNAUTHENTICATED, saying what is wrong with the token but nothing from inside it
   */
  verify(token: string): Promise<Identity>
  stop(): void
}

export interface VerifierOptions {
  /** JWKS file, public keys only; read again when it changes. */
  file: string
  onError: (error: unknown) => void
  refreshMs?: number
}

interface Verified {
  identity: Identity
  expiresAtMs: number
}

/** Verified tokens kept, oldest out first: one Ed25519 verification costs as much as the rest of a small request. */
const cacheSize = 10_000
const clockToleranceSeconds = 5

export async function createTokenVerifier({ file, onError, refreshMs }: VerifierOptions): Promise<TokenVerifier> {
  const first = await readKeys(file)
  let keys = first.keys
  const cache = new Map<string, Verified>()
  const refresh = watch({
    initial: first,
    read: () => readKeys(file),
    changed(content) {
      keys = content.keys
      // A key that was taken out must not live on in tokens it signed.
      cache.clear()
    },
    failed: onError,
    everyMs: refreshMs ?? 5_000,
  })

  async function verifyFresh(token: string): Promise<Identity> {
    const usedKeys = keys
    const verified = await verifyWith(usedKeys, token)
    // Not when the keys changed meanwhile: that is what the cache was emptied for.
    if (usedKeys === keys) remember(cache, token, verified)
    return verified.identity
  }

  return {
    async verify(token) {
      const known = cache.get(token)
      if (known && known.expiresAtMs > Date.now()) return known.identity
      cache.delete(token)
      try {
        return await verifyFresh(token)
      } catch (error) {
        throw refused(error)
      }
    },
    stop: () => refresh.stop(),
  }
}

type KeySet = ReturnType<typeof createLocalJWKSet>

/** @throws Error when the file is not a set of public Ed25519 keys with ids */
async function readKeys(file: string): Promise<{ text: string; keys: KeySet }> {
  const text = await readFile(file, 'utf8')
  const jwks = JSON.parse(text) as JSONWebKeySet
  const good = jwks.keys.every((key) => key.kty === 'OKP' && key.crv === 'Ed25519' && key.kid && !('d' in key))
  if (!good || jwks.keys.length === 0) throw new Error(`${file} is not a set of public Ed25519 keys with ids`)
  return { text, keys: createLocalJWKSet(jwks) }
}

async function verifyWith(keys: KeySet, token: string): Promise<Verified> {
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    algorithms: ['EdDSA'],
    issuer,
    audience,
    requiredClaims: ['sub', 'role', 'iat', 'nbf', 'exp'],
    maxTokenAge: tokenLifetimeSeconds,
    clockTolerance: clockToleranceSeconds,
  })
  // Without a kid the only key of a set would do.
  if (typeof protectedHeader.kid !== 'string') throw new joseErrors.JWTInvalid('no kid')
  const { iat = 0, exp = 0 } = payload
  const expiresAtMs = Math.min(exp, iat + tokenLifetimeSeconds) * 1_000
  return { identity: identityOf(payload), expiresAtMs }
}

function identityOf({ sub, role }: JWTPayload): Identity {
  if (!sub || !uuidPattern.test(sub)) throw new joseErrors.JWTInvalid('sub is not a user id')
  const known = roles.find((one) => one === role)
  if (!known) throw new joseErrors.JWTInvalid('role is not known')
  return { userId: sub, role: known }
}

function remember(cache: Map<string, Verified>, token: string, verified: Verified): void {
  if (cache.size >= cacheSize) {
    const oldest = cache.keys().next()
    if (!oldest.done) cache.delete(oldest.value)
  }
  cache.set(token, verified)
}

function refused(error: unknown): AppError {
  if (!(error instanceof joseErrors.JOSEError)) return new AppError('INTERNAL', undefined, { cause: error })
  const why = error instanceof joseErrors.JWTExpired ? 'The token has expired' : 'The token is not valid'
  return new AppError('UNAUTHENTICATED', why, { cause: error })
}
