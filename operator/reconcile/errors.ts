const maxLength = 512

/** Text that must not reach a status, an Event or a log, and what stands there instead. */
const secrets: [RegExp, string][] = [
  [/-----BEGIN [^-]+-----[\s\S]*?(-----END [^-]+-----|$)/g, '[redacted]'],
  // A JSON Web Token or a service account's token.
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]*/g, '[redacted]'],
  [/\b(bearer|basic)\s+[\w.~+/=-]{8,}/gi, '$1 [redacted]'],
  // scheme://user:password@host
  [/(\b[a-z][\w+.-]*:\/\/[^\s:/@]*:)[^\s/@]+@/gi, '$1[redacted]@'],
  // "password": "x", password=x, token: x; PASSWORD 'x' in SQL
  [/\b(\w*(?:password|passwd|secret|token)["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;)}]+)/gi, '$1[redacted]'],
  [/\b(password\s+)'(?:[^']|'')*'/gi, '$1[redacted]'],
  [/SCRAM-SHA-256\$\S+/g, '[redacted]'],
]

/** Replaces what looks like a secret, makes one line of it and cuts it at 512 characters. */
export function redact(text: string): string {
  const clean = secrets.reduce((rest, [pattern, replacement]) => rest.replace(pattern, replacement), text)
  const line = clean.replace(/\s+/g, ' ').trim()
  return line.length <= maxLength ? line : `${line.slice(0, maxLength - 1)}…`
}

/** One redacted line that tells what went wrong, for statuses, Events and logs. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return redact(typeof error === 'string' ? error : 'unknown error')
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ')
  return redact(error.message || (error as NodeJS.ErrnoException).code || error.name)
}

/** How long the server asked us to wait; errors of any client may carry `retryAfterMs`. */
export function retryAfterOf(error: unknown): number | undefined {
  const value = (error as { retryAfterMs?: unknown } | null | undefined)?.retryAfterMs
  return typeof value === 'number' ? value : undefined
}
