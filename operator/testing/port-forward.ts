import { CoreV1Api, PortForward } from '@kubernetes/client-node'
import type { KubeConfig } from '@kubernetes/client-node'
import { connect, createServer } from 'node:net'
import type { Server, Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'

/**
 * Whether this machine is the node, so that pods are reached at their own addresses. A connection through the API server passes it, the
 * kubelet and containerd with each packet, which took a third of a test run.
 */
export const podsAreRouted = process.env['PODS_ARE_ROUTED'] === '1'

/** The WebSocket that PortForward returns; its own type would need @types/ws. */
interface Stream {
  on(event: 'close' | 'error', listener: () => void): void
  close(): void
}

/**
 * A port of this machine that leads to the pod's, whichever pod has the name by then. Each connection has its own stream, so that one
 * breaking does not end others.
 */
export async function forward(config: KubeConfig, namespace: string, pod: string, port: number): Promise<Server> {
  const carry = podsAreRouted ? throughNetwork(config) : throughApiServer(config)
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    carry(socket, namespace, pod, port).catch(() => socket.destroy())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

type Carry = (socket: Socket, namespace: string, pod: string, port: number) => Promise<void>

function throughApiServer(config: KubeConfig): Carry {
  const forwarder = new PortForward(config)
  return async (socket, namespace, pod, port) => {
    const stream = (await forwarder.portForward(namespace, pod, [port], socket, null, socket)) as unknown as Stream
    stream.on('close', () => socket.destroy())
    stream.on('error', () => socket.destroy())
    socket.on('close', () => stream.close())
    if (socket.destroyed) stream.close()
  }
}

function throughNetwork(config: KubeConfig): Carry {
  const core = config.makeApiClient(CoreV1Api)
  return async (socket, namespace, pod, port) => {
    const { status } = await core.readNamespacedPod({ namespace, name: pod })
    if (!status?.podIP) throw new Error(`pod ${pod} has no address`)
    const upstream = connect({ host: status.podIP, port, noDelay: true })
    socket.setNoDelay(true)
    // Whichever fails takes the other with it; an orderly end is passed on after what came before it.
    await pipeline(upstream, socket, upstream)
  }
}
