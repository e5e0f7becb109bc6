import type { Binding } from '../../crds/binding.ts'
import type { Target } from './engine.ts'

/** A binding of this type. @param uri  made of the address with its login, `user:password@host:port` */
export function bindingOf(type: string, target: Target, uri: (address: string) => string): Binding {
  const { host, port, database, username, password, ca } = target
  const login = `${encodeURIComponent(username)}:${encodeURIComponent(password)}`
  return {
    type,
    provider: 'supersmartmatch',
    host,
    port: String(port),
    database,
    username,
    password,
    uri: uri(`${login}@${host}:${port}`),
    'ca.crt': ca,
  }
}
