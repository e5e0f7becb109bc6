import { createHmac, randomBytes } from 'node:crypto'
import type { KubeObject } from '../crds/object.ts'

export interface Secret extends KubeObject {
  data: Record<string, string>
}

/** A Secret with `values` in clear; `data` carries them base64-encoded, as the API server returns them. */
export function secret(
  metadata: { name: string; namespace: string; labels: Record<string, string> },
  values: Record<string, string>,
  type = 'Opaque',
): Secret {
  const data = Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key, Buffer.from(value, 'utf8').toString('base64')]),
  )
  return { apiVersion: 'v1', kind: 'Secret', metadata, type, data }
}

/** One value of a Secret in clear, or undefined when the key is missing or empty. */
export function secretValue(object: KubeObject | undefined, key: string): string | undefined {
  const data = object?.['data'] as Record<string, string> | undefined
  const encoded = data?.[key]
  return encoded ? Buffer.from(encoded, 'base64').toString('utf8') : undefined
}

/** 256 random bits, safe in URIs, INI files and SQL literals. */
export const randomPassword = () => randomBytes(32).toString('base64url')

/** As good as a random one, and the same each time: whoever knows it does not know the secret it was made of. */
export function derivedPassword(secret: string, purpose: string): string {
  return createHmac('sha256', secret).update(purpose).digest('base64url')
}
