/** An answer as the server sends it. Texts are read byte by byte (latin1), because keys need not be UTF-8. */
export type Reply = string | number | null | Reply[]

/** The server answered, with an error. `code` is its first word: `NOAUTH`, `LOADING`, `ERR`. */
export class RedisError extends Error {
  code: string
  constructor(message: string) {
    super(message)
    this.name = 'RedisError'
    this.code = message.split(' ', 1)[0] ?? ''
  }
}

/** More bytes are needed. */
export class Incomplete extends Error {}

interface Read<T> {
  reply: T
  /** Where the next one begins. */
  end: number
}

/** The answer that begins at `start`, in version 2 of the protocol. @throws Incomplete, or Error when it is none */
export function readReply(bytes: Buffer, start: number): Read<Reply | RedisError> {
  const lineEnd = bytes.indexOf('\r\n', start)
  if (lineEnd === -1) throw new Incomplete()
  const text = bytes.toString('latin1', start + 1, lineEnd)
  const end = lineEnd + 2
  switch (String.fromCharCode(bytes[start] ?? 0)) {
    case '+':
      return { reply: text, end }
    case '-':
      return { reply: new RedisError(text), end }
    case ':':
      return { reply: Number(text), end }
    case '$':
      return Number(text) === -1 ? { reply: null, end } : readText(bytes, end, Number(text))
    case '*':
      return Number(text) === -1 ? { reply: null, end } : readList(bytes, end, Number(text))
    default:
      throw new Error('this is not Redis: what it answered does not follow its protocol')
  }
}

function readText(bytes: Buffer, start: number, length: number): Read<string> {
  const end = start + length + 2
  if (bytes.length < end) throw new Incomplete()
  return { reply: bytes.toString('latin1', start, end - 2), end }
}

function readList(bytes: Buffer, start: number, length: number): Read<Reply> {
  const list: Reply[] = []
  let end = start
  for (let index = 0; index < length; index++) {
    const item = readReply(bytes, end)
    list.push(item.reply instanceof Error ? item.reply.message : item.reply)
    end = item.end
  }
  return { reply: list, end }
}
