import { createServer, type Socket } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { KeyPair } from '../certificates.ts'

/** For tests: the admin console of a PgBouncer that has these databases and nothing else. Any password is right. */
export interface AdminConsole {
  /** Databases that are paused. */
  paused: Set<string>
  /** Every command in order. */
  commands: string[]
  close(): void
}

/** As much of PostgreSQL's protocol 3.0 as the simple queries of an admin console need. */
export async function playAdminConsole(
  { certificate: cert, key }: KeyPair,
  databases: string[],
  at: { host: string; port: number },
): Promise<AdminConsole> {
  const paused = new Set<string>()
  const commands: string[] = []
  const sockets = new Set<Socket>()

  function answer(command: string): Buffer {
    commands.push(command)
    const [, verb = '', name = ''] = /^(\w+)(?: "(.*)")?/.exec(command) ?? []
    if (verb === 'PAUSE') paused.add(name)
    if (verb === 'RESUME') paused.delete(name)
    const rows = command === 'SHOW DATABASES' ? databases.map((one) => row([one, paused.has(one) ? '1' : '0'])) : []
    return Buffer.concat([...(rows.length > 0 ? [columns] : []), ...rows, message('C', text(verb)), readyForQuery])
  }

  const server = createServer((raw) => {
    sockets.add(raw)
    raw.on('error', () => undefined)
    // SSLRequest: the client waits for the answer before it says more.
    raw.once('data', () => {
      raw.write('S')
      const socket = new TLSSocket(raw, { isServer: true, cert, key })
      socket.on('error', () => undefined)
      socket.once('data', () => {
        socket.write(Buffer.concat([message('R', int32(0)), readyForQuery]))
        socket.on('data', (data: Buffer) => {
          if (String.fromCharCode(data[0] ?? 0) === 'Q') socket.write(answer(data.subarray(5, -1).toString()))
          else socket.end()
        })
      })
    })
  })
  await new Promise<void>((resolve) => server.listen(at.port, at.host, resolve))
  const close = () => {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  return { paused, commands, close }
}

function message(type: string, ...body: Buffer[]): Buffer {
  const content = Buffer.concat(body)
  return Buffer.concat([Buffer.from(type), int32(content.length + 4), content])
}

const int16 = (value: number) => Buffer.from([value >> 8, value & 255])
const int32 = (value: number) => Buffer.concat([int16(value >> 16), int16(value & 65535)])
const text = (value: string) => Buffer.from(`${value}\0`)
const readyForQuery = message('Z', Buffer.from('I'))

/** Name, no table, type (text 25, int4 23), any size, in text. */
const column = (name: string, type: number) =>
  Buffer.concat([text(name), int32(0), int16(0), int32(type), int16(65535), int32(0), int16(0)])
const columns = message('T', int16(2), column('name', 25), column('paused', 23))

function row(values: string[]): Buffer {
  const cells = values.flatMap((value) => [int32(Buffer.byteLength(value)), Buffer.from(value)])
  return message('D', int16(values.length), ...cells)
}
