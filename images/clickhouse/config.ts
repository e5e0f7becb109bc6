import { createHash, timingSafeEqual } from 'node:crypto'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { child, element, merge, parseXml, writeXml, type Element } from './xml.ts'

/*
 * Reads the files that the real server would read, /etc/clickhouse-server say, as far as they mean anything here: where to listen,
 * certificates, settings of the server, users with their profiles and grants.
 */

export interface Config {
  port: number
  tls: { cert: string; key: string }
  dataPath: string
  logins: Map<string, Login>
  /** The files the engine itself is given: of the settings what it knows, and users as `engineUsers` says. */
  engineFiles: { settings: string; users: string }
  /** Changes when any of the files does. */
  digest: string
}

export interface Login {
  name: string
  /** Lower case hexadecimal. */
  passwordSha256: string
  /** Settings of the profile, those it takes from other profiles first. */
  settings: [string, string][]
}

/** @param main  path of config.xml */
export function readConfig(main: string): Config {
  const read: string[] = []
  const server = readWithParts(main, 'config.d', read)
  const usersPath = valueAt(server, 'user_directories/users_xml/path') ?? 'users.xml'
  const users = readWithParts(join(dirname(main), usersPath), 'users.d', read)
  const tls = {
    cert: readText(required(server, 'openSSL/server/certificateFile'), read),
    key: readText(required(server, 'openSSL/server/privateKeyFile'), read),
  }
  const dataPath = required(server, 'path')
  return {
    port: Number(required(server, 'https_port')),
    tls,
    dataPath,
    logins: loginsOf(users),
    engineFiles: { settings: engineSettings(server), users: engineUsers(users) },
    digest: createHash('sha256').update(JSON.stringify(read)).digest('hex'),
  }
}

function readText(path: string, read: string[]): string {
  const text = readFileSync(path, 'utf8')
  read.push(path, text)
  return text
}

/** A file and those in the folder beside it, by name, each over what was before. */
function readWithParts(path: string, folder: string, read: string[]): Element {
  const parts = join(dirname(path), folder)
  const names = existsSync(parts) ? readdirSync(parts).filter((name) => name.endsWith('.xml')) : []
  const files = [path, ...names.sort().map((name) => join(parts, name))]
  return files.map((file) => fromEnvironment(parseXml(readText(file, read)))).reduce(merge)
}

/** `<replica from_env="POD_NAME"/>` */
function fromEnvironment(one: Element): Element {
  const variable = one.attributes['from_env']
  if (variable !== undefined) return { ...one, text: process.env[variable] ?? '' }
  return { ...one, children: one.children.map(fromEnvironment) }
}

function valueAt(root: Element, path: string): string | undefined {
  return path.split('/').reduce<Element | undefined>(child, root)?.text
}

function required(root: Element, path: string): string {
  const value = valueAt(root, path)
  if (!value) throw new Error(`the configuration has no ${path}`)
  return value
}

function loginsOf(users: Element): Map<string, Login> {
  const found = (child(users, 'users')?.children ?? []).map((user): [string, Login] => {
    const passwordSha256 = child(user, 'password_sha256_hex')?.text.toLowerCase() ?? ''
    const profile = child(user, 'profile')?.text ?? 'default'
    return [user.name, { name: user.name, passwordSha256, settings: profileSettings(users, profile) }]
  })
  return new Map(found)
}

function profileSettings(users: Element, name: string): [string, string][] {
  const profile = child(child(users, 'profiles'), name)
  return (profile?.children ?? []).flatMap((setting): [string, string][] => {
    if (setting.name === 'profile') return profileSettings(users, setting.text)
    return setting.children.length > 0 ? [] : [[setting.name, setting.text]]
  })
}

/** Every user must have a password: one without could be anybody. */
export function isPassword(login: Login | undefined, password: string): boolean {
  const given = createHash('sha256').update(password).digest()
  const wanted = Buffer.from(login?.passwordSha256 ?? '', 'hex')
  return wanted.length === given.length && timingSafeEqual(wanted, given)
}

/** What belongs to the server around the engine, or to a cluster. */
const notTheEngines = new Set([
  ...['https_port', 'tcp_port_secure', 'listen_host', 'listen_try', 'openSSL', 'http_handlers', 'logger', 'path', 'tmp_path'],
  ...['user_files_path', 'format_schema_path', 'user_directories', 'remote_servers', 'zookeeper', 'distributed_ddl'],
  ...['interserver_https_port', 'interserver_https_host', 'interserver_http_credentials', 'query_log', 'part_log'],
  ...['query_views_log', 'error_log', 'access_control_improvements', 'default_profile', 'default_replica_path', 'default_replica_name'],
]) // prettier-ignore

function engineSettings(server: Element): string {
  const kept = server.children.filter(({ name }) => !notTheEngines.has(name))
  const improvements = child(server, 'access_control_improvements')
  return writeXml(element('clickhouse', [...kept, ...(improvements ? [improvements] : [])]))
}

/**
 * The engine knows one user, `default`, and runs all as that one. So each login's grants become a role, which a connection takes
 * before it does anything else.
 */
function engineUsers(users: Element): string {
  const logins = child(users, 'users')?.children ?? []
  const roles = logins.map(({ name, children }) =>
    element(name, children.filter((one) => one.name === 'grants')),
  ) // prettier-ignore
  const granted = logins.map(({ name }) => element('query', `GRANT \`${name}\``))
  const everybody = element('default', [
    element('password', ''),
    element('networks', [element('ip', '::/0')]),
    element('profile', 'default'),
    element('grants', granted),
  ])
  const kept = users.children.filter(({ name }) => name === 'profiles')
  return writeXml(element('clickhouse', [...kept, element('roles', roles), element('users', [everybody])]))
}
