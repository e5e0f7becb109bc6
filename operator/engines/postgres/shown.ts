import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as secureConnect } from 'node:tls'

/** PostgreSQL's question whether the server speaks TLS; `S` is the answer that it does. */
const sslRequest = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f])

/**
 * Fingerprint (sha256) of the certificate that a listener shows. Only looked at, therefore not verified: nothing is sent to it, and
 * one that has expired must be seen, too.
 */
export async function shownAt(
  at: { host: string; port: number; sslRequest?: boolean },
  signal: AbortSignal,
): Promise<string> {
  signal.throwIfAborted()
  const socket = connect({ host: at.host, port: at.port })
  try {
    await once(socket, 'connect', { signal })
    if (at.sslRequest) {
      socket.write(sslRequest)
      const [answer] = (await once(socket, 'data', { signal })) as [Buffer]
      if (answer.toString() !== 'S') throw new Error(`${at.host}:${at.port} does not speak TLS`)
    }
    const secure = secureConnect({ socket, rejectUnauthorized: false })
    await once(secure, 'secureConnect', { signal })
    const shown = secure.getPeerX509Certificate()?.fingerprint256 ?? ''
    // A connection that breaks off would be in the server's log each time.
    const closed = once(secure, 'close', { signal })
    secure.resume().end()
    await closed
    return shown
  } finally {
    socket.destroy()
  }
}
