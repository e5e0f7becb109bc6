import type { Health } from './engine.ts'

/**
 * What a probe makes of an error.
 * @param server  `host:port`
 * @param own     what the engine itself has said, if it is that; undefined: the way to it failed
 */
export function failure(
  error: unknown,
  server: string,
  signal: AbortSignal,
  own: (error: Error, code: string) => Health | undefined = () => undefined,
): Health {
  if (signal.aborted) return { state: 'unreachable', message: `${server} did not answer in time` }
  if (!(error instanceof Error)) return { state: 'unreachable', message: `${server}: ${String(error)}` }
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  const said = own(error, code)
  if (said) return said
  if (isCertificateError(code))
    return { state: 'degraded', message: `certificate of ${server}: ${withoutAdvice(error)}` }
  return { state: 'unreachable', message: `${server}: ${error.message || code}` }
}

/** Node adds how Node should be started. */
const withoutAdvice = ({ message }: Error) => message.replace(/; if the root CA is installed locally, .*/, '')

/** OpenSSL's verification results and Node's own name check; all other TLS failures are connection failures. */
function isCertificateError(code: string): boolean {
  return /CERT|SIGNATURE|ISSUER|_CRL|HOSTNAME/.test(code)
}
