import { isIP } from 'node:net'

/** One sentence per line of `spec.pgHba` that is not accepted, naming its index; empty when all are. Pure. */
export function validateHba(lines: string[]): string[] {
  return lines.flatMap((line, index) => {
    const why = problemOf(line)
    return why ? [`spec.pgHba[${index}] "${line}": ${why}`] : []
  })
}

const shape = 'write: hostssl <databases> <users> <address> scram-sha-256 or reject'
/** Names, all, +group, comma between; no quotes, regular expressions or files. */
const list = /^\+?[\w$-]+(,\+?[\w$-]+)*$/

function problemOf(line: string): string | undefined {
  if (/[\n\r\0#]/.test(line)) return 'holds a comment or a line break'
  const [type, databases, users, address, method, ...options] = line.trim().split(/\s+/)
  if (type !== 'hostssl' && type !== 'hostnossl')
    return `begins with ${type}: only hostssl, and hostnossl with reject, are accepted`
  if (!databases || !users || !address || !method) return `is not complete; ${shape}`
  for (const [what, value] of [
    ['databases', databases],
    ['users', users],
  ] as const) {
    if (!list.test(value)) return `${what} ${value} are not names, comma between`
  }
  if (!isAddress(address))
    return `address ${address} is none of all, samehost, samenet, a network such as 10.0.0.0/8, a host name`
  if (options.length > 0) return `has options (${options.join(' ')}), none is accepted; ${shape}`
  if (method !== 'reject' && method !== 'scram-sha-256') return `method ${method} is not accepted; ${shape}`
  if (type === 'hostnossl' && method !== 'reject')
    return 'would let a connection in without TLS; hostnossl goes with reject'
  return undefined
}

function isAddress(text: string): boolean {
  if (['all', 'samehost', 'samenet'].includes(text)) return true
  const [address = '', bits, ...rest] = text.split('/')
  const family = isIP(address)
  if (family === 0) return bits === undefined && /^\.?[a-z]([a-z0-9.-]*[a-z0-9])?$/i.test(text)
  return rest.length === 0 && /^\d{1,3}$/.test(bits ?? '') && Number(bits) <= (family === 4 ? 32 : 128)
}
