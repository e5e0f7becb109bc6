/**
 * Keys of the binding Secrets a DataStore publishes: the Service Binding specification's well-known entries plus `ca.crt`.
 * Clients need nothing else to connect with TLS verified. All values are strings; `port` is decimal; `ca.crt` is PEM.
 */
export const bindingKeys = [
  'type',
  'provider',
  'host',
  'port',
  'database',
  'username',
  'password',
  'uri',
  'ca.crt',
] as const
export type BindingKey = (typeof bindingKeys)[number]
export type Binding = Record<BindingKey, string>

/**
 * Who a binding is for. Only `app` follows `spec.binding` (the pooler); `owner` connects directly and runs migrations.
 * `relay` and `monitoring` are published once their users exist.
 */
export const bindingRoles = ['owner', 'app'] as const
export type BindingRole = (typeof bindingRoles)[number]
