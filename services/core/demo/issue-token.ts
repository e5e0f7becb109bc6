import { importJWK, SignJWT, type JWK } from 'jose'
import { audience, issuer, tokenLifetimeSeconds } from '../../chassis/tokens.ts'
import { cluster, kubectl } from './kubectl.ts'

/** A token for `userId` in `role`, signed with the platform's key. Whoever can read the Secret can be anybody: that is what RBAC on Secrets is for. */
export async function issueToken(role: string, userId: string): Promise<string> {
  const secret = JSON.parse(await kubectl(['get', 'secret', `${cluster}-tokens`, '-o', 'json'])) as {
    data: Record<string, string>
  }
  const jwk = JSON.parse(Buffer.from(secret.data['private.jwk'] ?? '', 'base64').toString()) as JWK & { kid: string }
  const now = Math.floor(Date.now() / 1000)
  return new SignJWT({ role })
    .setProtectedHeader({ alg: 'EdDSA', kid: jwk.kid, typ: 'JWT' })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(userId)
    .setIssuedAt(now)
    .setNotBefore(now)
    .setExpirationTime(now + tokenLifetimeSeconds)
    .sign(await importJWK(jwk, 'EdDSA'))
}
