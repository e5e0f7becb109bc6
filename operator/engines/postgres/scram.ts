import { timingSafeEqual } from 'node:crypto'
import { scramVerifier } from '../../../migrations/runner/scram.ts'

const verifierForm = /^SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/

/** Whether `stored`, a value of pg_authid.rolpassword, is a SCRAM verifier of `password`. */
export function scramMatches(stored: string | null, password: string): boolean {
  const [, iterations, salt] = verifierForm.exec(stored ?? '') ?? []
  if (!stored || !iterations || !salt) return false
  const wanted = Buffer.from(scramVerifier(password, Buffer.from(salt, 'base64'), Number(iterations)))
  const actual = Buffer.from(stored)
  return wanted.length === actual.length && timingSafeEqual(wanted, actual)
}
