import { randomBytes } from 'node:crypto'
import { afterAll } from 'vitest'
import type { KubeObject } from '../../../crds/object.ts'
import { managedBy } from '../../labels.ts'
import { createLogger } from '../../observability/logger.ts'
import { KubeClient } from '../client.ts'
import { loadKubeConfig } from '../config.ts'

/** For tests against the API server that KUBECONFIG names. */
export const config = await loadKubeConfig()
export const client = new KubeClient(config)
export const log = createLogger(process.env['LOG_LEVEL'] ?? 'silent')

export const ownLabels = { 'app.kubernetes.io/managed-by': managedBy, 'app.kubernetes.io/instance': 'demo' }

afterAll(() => client.close())

/** A namespace of its own for the calling test file, deleted when it ends. */
export async function testNamespace(): Promise<string> {
  const name = `test-${randomBytes(5).toString('hex')}`
  await client.create({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })
  afterAll(() => client.request('DELETE', `/api/v1/namespaces/${name}`))
  return name
}

/** A ConfigMap with our labels. */
export function configMap(namespace: string, name: string, data: Record<string, string> = {}): KubeObject {
  return { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name, namespace, labels: ownLabels }, data }
}

export const configMaps = { apiVersion: 'v1', kind: 'ConfigMap' }

/** Changes an object as somebody else would: another field manager. */
export async function edit(object: KubeObject, patch: object): Promise<KubeObject> {
  const { namespace, name } = object.metadata
  const plural = `${object.kind.toLowerCase()}s`
  const root = object.apiVersion.includes('/') ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`
  const contentType = 'application/merge-patch+json'
  const path = `${root}/namespaces/${namespace}/${plural}/${name}`
  return (await client.request('PATCH', path, {
    query: { fieldManager: 'someone' },
    body: patch,
    contentType,
  })) as KubeObject
}

/** Waits until `check` holds: asks often at first, and seldom where it takes long, since others wait for the same processors. */
export async function until(check: () => boolean | Promise<boolean>, timeoutMs = 60_000): Promise<void> {
  const endMs = performance.now() + timeoutMs
  for (let pauseMs = 10; !(await check()); pauseMs = Math.min(pauseMs * 1.5, 400)) {
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs / 1000} s: ${check.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
}
