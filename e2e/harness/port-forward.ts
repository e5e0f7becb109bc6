import { PortForward } from '@kubernetes/client-node'
import type { KubeConfig } from '@kubernetes/client-node'
import { createServer } from 'node:net'
import type { Server, Socket } from 'node:net'

/** The WebSocket that PortForward returns; its own type would need @types/ws. */
interface Stream {
  on(event: 'close' | 'error', listener: () => void): void
  close(): void
}

/** A port of this machine that leads to the pod's. Each connection has its own stream, so that one breaking does not end others. */
export async function forward(config: KubeConfig, namespace: string, pod: string, port: number): Promise<Server> {
  const forwarder = new PortForward(config)
  const carry = async (socket: Socket) => {
    const stream = (await forwarder.portForward(namespace, pod, [port], socket, null, socket)) as unknown as Stream
    stream.on('close', () => socket.destroy())
    stream.on('error', () => socket.destroy())
    socket.on('close', () => stream.close())
    if (socket.destroyed) stream.close()
  }
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    carry(socket).catch(() => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}
