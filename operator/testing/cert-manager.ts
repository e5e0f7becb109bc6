import { execFile, spawn } from 'node:child_process'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { parseAllDocuments } from 'yaml'
import type { KubeObject } from '../../crds/object.ts'
import { certManager } from '../../crds/schema/common.ts'
import { client, until } from '../kube/testing/cluster.ts'

const definitionsPath = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'

/** For tests: cert-manager's own controllers as a process of this machine, and the definitions of its kinds in the cluster. */
export interface CertManager {
  /** Makes its kinds known, and begins to work. */
  install(): Promise<void>
  /** Ends it; its kinds go, and all objects of them. */
  [Symbol.asyncDispose](): Promise<void>
}

/**
 * CERT_MANAGER is a command whose last two lines are the paths of the controller and of the folder with the definitions.
 * @param namespace  where the Secrets of ClusterIssuers are
 */
export async function certManagerFor(namespace: string): Promise<CertManager> {
  const command = process.env['CERT_MANAGER']
  if (!command) throw new Error('CERT_MANAGER names no command that gives a controller: run make test-all, or set it')
  const [program = '', ...args] = command.split(' ')
  const { stdout } = await promisify(execFile)(program, args)
  const [controller = '', folder = ''] = stdout.trim().split('\n').slice(-2)
  const definitions = await readDefinitions(folder)
  const stop = new AbortController()
  let ended: Promise<unknown> = Promise.resolve()
  return {
    async install() {
      for (const body of definitions) await client.request('POST', definitionsPath, { body })
      await until(async () => (await Promise.all(definitions.map(isServed))).every(Boolean))
      const child = spawn(
        controller,
        ['--kubeconfig', process.env['KUBECONFIG'] ?? '', '--cluster-resource-namespace', namespace],
        { stdio: ['ignore', 'inherit', process.env['LOG_LEVEL'] ? 'inherit' : 'ignore'], signal: stop.signal },
      )
      ended = new Promise((resolve) => child.once('close', resolve).once('error', resolve))
    },
    async [Symbol.asyncDispose]() {
      stop.abort()
      await ended
      for (const { metadata } of definitions)
        await client.request('DELETE', `${definitionsPath}/${metadata.name}`).catch(() => undefined)
    },
  }
}

async function readDefinitions(folder: string): Promise<KubeObject[]> {
  const files = (await readdir(folder)).filter((file) => file.endsWith('.yaml'))
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  return texts.flatMap((text) => parseAllDocuments(text).map((document) => document.toJS() as KubeObject))
}

async function isServed({ metadata }: KubeObject): Promise<boolean> {
  const found = (await client.request('GET', `${definitionsPath}/${metadata.name}`)) as KubeObject
  const { conditions } = found['status'] as { conditions: { type: string; status: string }[] | null }
  return (conditions ?? []).some(({ type, status }) => type === 'Established' && status === 'True')
}

/** An issuer that signs with the CA in this Secret. */
export const caIssuer = (kind: 'Issuer' | 'ClusterIssuer', name: string, secretName: string, namespace?: string) => ({
  apiVersion: `${certManager}/v1`,
  kind,
  metadata: { name, ...(namespace ? { namespace } : {}) },
  spec: { ca: { secretName } },
})
