import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto'

/** PostgreSQL's own default (scram_iterations). */
const iterations = 4096
const verifierForm = /^SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$([A-Za-z0-9+/=]+):([A-Za-z0-9+/=]+)$/

/**
 * The SCRAM-SHA-256 verifier PostgreSQL stores for `password` (RFC 5803 form), so that the password itself never travels in SQL.
 * @param password  ASCII: SASLprep, which would change other characters, is not applied
 */
export function scramVerifier(password: string, salt: Buffer = randomBytes(16), rounds: number = iterations): string {
  if (!/^[\x20-\x7e]+$/.test(password)) throw new Error('a password must consist of printable ASCII characters')
  const salted = pbkdf2Sync(password, salt, rounds, 32, 'sha256')
  const clientKey = createHmac('sha256', salted).update('Client Key').digest()
  const storedKey = createHash('sha256').update(clientKey).digest('base64')
  const serverKey = createHmac('sha256', salted).update('Server Key').digest('base64')
  return `SCRAM-SHA-256$${rounds}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}

/** Whether `stored`, a value of pg_authid.rolpassword, is a SCRAM verifier of `password`. */
export function scramMatches(stored: string | null, password: string): boolean {
  const [, rounds, salt] = verifierForm.exec(stored ?? '') ?? []
  if (!stored || !rounds || !salt) return false
  const wanted = Buffer.from(scramVerifier(password, Buffer.from(salt, 'base64'), Number(rounds)))
  const actual = Buffer.from(stored)
  return wanted.length === actual.length && timingSafeEqual(wanted, actual)
}
