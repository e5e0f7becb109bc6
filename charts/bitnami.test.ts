import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import type { MatchingCluster } from '../crds/schema/matching-cluster.ts'
import { platformStores, storeNames } from '../crds/schema/platform-stores.ts'
import { createAuthority } from '../operator/certificates.ts'
import { connectionOf } from '../operator/data-store/connection.ts'
import { engines } from '../operator/engines/registry.ts'
import { secret } from '../operator/secrets.ts'
import { factsOf, hostOf, installsIn, sample } from './bitnami.ts'

/**
 * The sample uses Bitnami's own names, as bitnami.json has them. That these are the charts' is checked by rendering them, which needs
 * their registry: `node charts/bitnami.ts`, whenever a version changes.
 */
const { spec, metadata } = parse(sample) as MatchingCluster
const { namespace = '' } = metadata
const installs = installsIn(sample)
const { certificate } = await createAuthority('bitnami', new Date())

const external = storeNames.filter((name) => spec.stores[name]?.mode === 'external')

describe.each(installs)('$chart', (install) => {
  const facts = factsOf(install)

  test('is installed in the version that was read, beside the platform, with images that are still there', () => {
    expect(install).toMatchObject({ version: facts.version, namespace })
    expect(facts.source).toContain(`/${facts.chart}/${facts.version}/`)
    expect(install.values).toContain('global.security.allowInsecureImages=true')
    for (const [value, image] of Object.entries(facts.images))
      expect(install.values).toContain(`${value}.repository=bitnamilegacy/${image}`)
  })

  test('speaks TLS', () => {
    expect(install.values).toEqual(expect.arrayContaining(facts.tls))
  })

  test('is found by what the sample says and the Secrets hold', () => {
    const host = hostOf(facts, namespace)
    const stores = external.filter((name) => referenceOf(name).values.host === host)
    expect(stores).not.toEqual([])
    for (const name of stores) {
      const { keys = {}, values, caSecret, ...reference } = referenceOf(name)
      const given = { name: facts.secret, keys: { password: facts.passwordKey } }
      // Where the chart has no key for the password, the Secret is one of the sample's own, with the usual key.
      if (facts.passwordKey) expect({ ...reference, keys }).toEqual(given)
      else expect(keys).toEqual({})
      expect({ key: 'ca.crt', ...caSecret }).toEqual({ name: facts.caSecret, key: facts.caKey })

      const { port, uriSchemes } = engines[platformStores[name].engine]
      const elsewhere = facts.port === port ? {} : { port: facts.port }
      expect(values).toEqual({ host, username: facts.username, ...elsewhere })
      const object = (data: Record<string, string>) => secret({ name: '', namespace, labels: {} }, data)
      const secrets = {
        secret: object({ [facts.passwordKey ?? 'password']: 'theirs' }),
        authority: object({ [facts.caKey]: certificate }),
      }
      const connection = { ...reference, keys, values, caSecret: { name: facts.caSecret, key: facts.caKey } }
      expect(connectionOf(connection, secrets, { port, uriSchemes, database: 'x' })).toMatchObject({
        kind: 'found',
        target: { host, port: facts.port, username: facts.username, password: 'theirs' },
      })
    }
  })
})

const referenceOf = (name: (typeof storeNames)[number]) => spec.stores[name].connectionSecretRef!

test('every external store is one of these charts’, and every engine is among them but the one that no chart has', () => {
  const hosts = installs.map((install) => hostOf(factsOf(install), namespace))
  for (const name of external) expect(hosts).toContain(referenceOf(name).values.host)
  const engineOf = (name: (typeof storeNames)[number]) => platformStores[name].engine
  const missing = Object.keys(engines).filter((engine) => !external.map(engineOf).includes(engine as never))
  expect(missing).toEqual(['timescale'])
})

test('a Secret that no chart makes is made by a line of the sample, and the chart is told the same password', () => {
  const { name } = referenceOf('events')
  expect(sample).toContain(`kubectl create secret generic ${name} -n ${namespace} --from-literal=password=`)
  const { values } = installs.find(({ chart }) => chart === 'nats')!
  expect(values).toContain(`auth.credentials[0].user=${referenceOf('events').values.username}`)
  const password = `$(kubectl get secret ${name} -n ${namespace} -o jsonpath={.data.password} | base64 -d)`
  expect(values).toContain(`auth.credentials[0].password=${password}`)
})

test('nodes of the Redis Cluster tell clients names, for which their certificate is', () => {
  const install = installs.find(({ chart }) => chart === 'redis-cluster')!
  const headless = hostOf({ ...factsOf(install), service: `${factsOf(install).service}-headless` }, namespace)
  expect(install.values).toContain(`redis.extraEnvVars[1].value=$(POD_NAME).${headless}`)
})
