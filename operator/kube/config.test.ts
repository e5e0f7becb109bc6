import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { expect, test } from 'vitest'
import { fromPod, loadKubeConfig } from './config.ts'

test('in a pod: address, CA and token are read from where Kubernetes puts them; a new token is seen when asked for', async () => {
  const folder = await mkdtemp(`${tmpdir()}/pod-`)
  await writeFile(`${folder}/ca.crt`, 'CA')
  await writeFile(`${folder}/token`, 'first\n')
  const config = await fromPod('fd00::1', '443', folder)
  expect(config).toMatchObject({ server: 'https://[fd00::1]:443', tls: { ca: 'CA' } })
  expect(await config.authorization(false)).toBe('Bearer first')
  await writeFile(`${folder}/token`, 'second\n')
  expect(await config.authorization(false)).toBe('Bearer first')
  expect(await config.authorization(true)).toBe('Bearer second')
  expect(await config.authorization(false)).toBe('Bearer second')
  await rm(folder, { recursive: true })
})

test('a kubeconfig: server, CA, client certificate or token of the current context', async () => {
  const folder = await mkdtemp(`${tmpdir()}/kubeconfig-`)
  const base64 = (text: string) => Buffer.from(text).toString('base64')
  const kubeconfig = {
    'current-context': 'two',
    contexts: [
      { name: 'one', context: { cluster: 'c', user: 'one' } },
      { name: 'two', context: { cluster: 'c', user: 'two' } },
    ],
    clusters: [
      { name: 'c', cluster: { server: 'https://example.com:6443/', 'certificate-authority-data': base64('CA') } },
    ],
    users: [
      { name: 'one', user: { token: 'secret' } },
      { name: 'two', user: { 'client-certificate-data': base64('CERT'), 'client-key-data': base64('KEY') } },
    ],
  }
  const file = `${folder}/config`
  await writeFile(file, JSON.stringify(kubeconfig))
  const certificate = await loadKubeConfig({ KUBECONFIG: file })
  expect(certificate).toMatchObject({ server: 'https://example.com:6443', tls: { ca: 'CA', cert: 'CERT', key: 'KEY' } })
  expect(await certificate.authorization(false)).toBeUndefined()
  await writeFile(file, JSON.stringify({ ...kubeconfig, 'current-context': 'one' }))
  const token = await loadKubeConfig({ KUBECONFIG: file })
  expect(await token.authorization(false)).toBe('Bearer secret')
  await rm(folder, { recursive: true })
})

test('neither is one sentence', async () => {
  await expect(loadKubeConfig({})).rejects.toThrow('no API server: set KUBECONFIG, or run in a pod')
})
