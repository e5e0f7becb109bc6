import type { Socket } from 'node:net'
import { Agent, buildConnector } from 'undici'
import type { KubeConfig } from './config.ts'

/** The kernel asks a quiet peer after this time and every second from then on; ten unanswered questions end the connection. */
const keepAliveMs = 15_000
/** HTTP/2 asks the API server itself, through everything in between; its answers are the least a living connection brings. */
const usualPingMs = 10_000
/** Unanswered pings that end a connection: 35 s. */
const patience = 3.5

/** Two sets of connections to one API server, because a dead one must harm neither a Lease nor a watch for long. */
export interface Connections {
  /** HTTP/1.1: a request that meets its deadline takes its connection with it, and the next one opens another. */
  requests: Agent
  /** HTTP/2 where the server speaks it: all watches share one connection, which ends when pings are not answered. */
  watches: Agent
  /** Whether pings end a dead connection of `watches`: the newest one speaks HTTP/2. */
  pingsWatches(): boolean
}

export function openConnections(tls: KubeConfig['tls'], pingMs = usualPingMs): Connections {
  const options = { ...tls, timeout: 5_000, keepAlive: true, keepAliveInitialDelay: keepAliveMs }
  const noTimeouts = { headersTimeout: 0, bodyTimeout: 0 }
  let pings = false
  const connect = buildConnector({ ...options, allowH2: true })
  const observed: buildConnector.connector = (target, callback) => {
    connect(target, (...result) => {
      const [, socket] = result
      if (socket) pings = 'alpnProtocol' in socket && socket.alpnProtocol === 'h2'
      if (socket && pings) endWhenSilent(socket, pingMs)
      callback(...result)
    })
  }
  return {
    requests: new Agent({ ...noTimeouts, allowH2: false, connect: { ...options, allowH2: false } }),
    watches: new Agent({ ...noTimeouts, allowH2: true, h2Options: { pingInterval: pingMs }, connect: observed }),
    pingsWatches: () => pings,
  }
}

/** undici sends the pings but does not mind when nobody answers. */
function endWhenSilent(socket: Socket, pingMs: number): void {
  const silenceMs = patience * pingMs
  let read = socket.bytesRead
  let readAtMs = performance.now()
  const timer = setInterval(() => {
    if (socket.bytesRead !== read) {
      read = socket.bytesRead
      readAtMs = performance.now()
    } else if (performance.now() - readAtMs >= silenceMs) {
      socket.destroy(new Error(`the API server has not answered a ping for ${silenceMs / 1000} s`))
    }
  }, pingMs / 2)
  timer.unref()
  socket.once('close', () => clearInterval(timer))
}
