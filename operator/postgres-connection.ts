import { Socket } from 'node:net'
import { checkServerIdentity, type PeerCertificate } from 'node:tls'
import pg from 'pg'

/** Where to connect, and the name that the server's certificate must carry when that is not the host itself. */
export interface Address {
  host: string
  port: number
  database: string
  username: string
  password: string
  /** PEM of the CA. */
  ca: string
  /** Name to verify; default `host`. */
  serverName?: string
}

export interface Connection {
  query<Row extends pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
  /** sha256 fingerprint of the certificate the server showed, as node:crypto's X509Certificate prints it. */
  certificate: string
}

/**
 * Runs `work` on one connection, TLS verified for host and CA, and closes it.
 * @param signal  ends the connection at any point: a silent server answers to no driver timeout
 * @throws        what the driver or `work` threw, or the signal's reason once it is aborted
 */
export async function withConnection<T>(
  address: Address,
  signal: AbortSignal,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  signal.throwIfAborted()
  const socket = new Socket()
  const seen = { certificate: '' }
  const client = new pg.Client({
    host: address.host,
    port: address.port,
    database: address.database,
    user: address.username,
    password: address.password,
    application_name: 'supersmartmatch-operator',
    stream: () => socket,
    ssl: verified(address, (peer) => (seen.certificate = peer.fingerprint256)),
  })
  // A connection that breaks between two queries is reported here; the next query fails with the same reason.
  client.on('error', () => undefined)
  const abort = () => void socket.destroy()
  signal.addEventListener('abort', abort)
  try {
    await client.connect()
    return await work({ query: (text, values) => query(client, text, values), certificate: seen.certificate })
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    if (!signal.aborted) await client.end()
    signal.removeEventListener('abort', abort)
  }
}

async function query<Row extends pg.QueryResultRow>(client: pg.Client, text: string, values?: unknown[]) {
  return (await client.query<Row>(text, values)).rows
}

/** Node takes the name to verify from SNI, which cannot carry an IP address and which the driver sets itself: so verify it here. */
function verified(address: Address, seen: (peer: PeerCertificate) => void) {
  return {
    ca: address.ca,
    // Our own servers speak 1.3 only; one that somebody else runs may not know it.
    minVersion: 'TLSv1.2' as const,
    checkServerIdentity(_host: string, peer: PeerCertificate) {
      seen(peer)
      return checkServerIdentity(address.serverName ?? address.host, peer)
    },
  }
}
