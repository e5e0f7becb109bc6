// clickhouse-server --config-file=/etc/clickhouse-server/config.xml
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { answer } from './request.ts'
import { Server } from './server.ts'

const { values } = parseArgs({
  options: { 'config-file': { type: 'string', default: '/etc/clickhouse-server/config.xml' } },
})

const server = new Server(values['config-file'], join(tmpdir(), 'engine'))
server.listen((request, response) => {
  // A client that goes away is no error of ours.
  request.on('error', () => undefined)
  answer(server, request, response).catch(() => response.destroy())
})

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  process.once(signal, () => void server.stop().then(() => process.exit(0)))
}
