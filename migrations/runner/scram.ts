import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { Refused } from './errors.ts'

/** PostgreSQL's own default (scram_iterations). */
const defaultIterations = 4096

/**
 * What PostgreSQL stores for a password (RFC 5803). Setting this instead of the password keeps the password out of the server's logs.
 * @param password    printable ASCII: others would need SASLprep
 * @param salt        16 bytes; given, with `iterations`, to compare with a stored verifier
 */
export function scramVerifier(password: string, salt = randomBytes(16), iterations = defaultIterations): string {
  if (!/^[\x20-\x7e]+$/.test(password))
    throw new Refused('BadArguments', 'a password consists of printable ASCII characters')
  const salted = pbkdf2Sync(password, salt, iterations, 32, 'sha256')
  const hmac = (text: string) => createHmac('sha256', salted).update(text).digest()
  const storedKey = createHash('sha256').update(hmac('Client Key')).digest('base64')
  const serverKey = hmac('Server Key').toString('base64')
  return `SCRAM-SHA-256$${iterations}:${salt.toString('base64')}$${storedKey}:${serverKey}`
}
