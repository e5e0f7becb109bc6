import { randomBytes } from 'node:crypto'
import type { KubeObject } from '../../crds/object.ts'
import { createAuthority, issueServerCertificate } from '../certificates.ts'
import { containerSecurity, podSecurity } from '../pods.ts'
import { secret } from '../secrets.ts'

/** For tests: a PostgreSQL that is not ours, plain, with TLS, 60 connections and a superuser; a pod, its Service and its Secret, all of that name. */
export interface ExternalServer {
  objects: KubeObject[]
  /** PEM of its CA. */
  ca: string
  /** Of the superuser `postgres`. */
  password: string
}

/** @param dnsNames  what its certificate names */
export async function externalServer(
  name: string,
  namespace: string,
  image: string,
  dnsNames: string[],
): Promise<ExternalServer> {
  const authority = await createAuthority(name, new Date())
  const { certificate, key } = await issueServerCertificate(authority, dnsNames, new Date())
  const password = `${randomBytes(12).toString('base64')} @/:`
  const files = secret({ name, namespace, labels: {} }, { 'tls.crt': certificate, 'tls.key': key, password })
  const ports = [{ name: 'postgres', port: 5432, targetPort: 5432, protocol: 'TCP' }]
  const metadata = { name, namespace, labels: { server: name } }
  const service = { apiVersion: 'v1', kind: 'Service', metadata, spec: { selector: { server: name }, ports } }
  return {
    objects: [files, service, { apiVersion: 'v1', kind: 'Pod', metadata, spec: podSpec(name, image) }],
    ca: authority.certificate,
    password,
  }
}

function podSpec(name: string, image: string) {
  return {
    restartPolicy: 'Never',
    terminationGracePeriodSeconds: 1,
    automountServiceAccountToken: false,
    securityContext: podSecurity(999),
    containers: [
      {
        name: 'postgres',
        image,
        imagePullPolicy: 'IfNotPresent',
        command: ['sh', '-ceu', script],
        securityContext: containerSecurity,
        resources: { requests: { cpu: '20m', memory: '64Mi' } },
        readinessProbe: { exec: { command: ['pg_isready', '-h', '127.0.0.1'] }, periodSeconds: 1 },
        volumeMounts: [
          { name: 'data', mountPath: '/data' },
          { name: 'tmp', mountPath: '/tmp' },
          { name: 'server', mountPath: '/server', readOnly: true },
        ],
      },
    ],
    volumes: [
      { name: 'data', emptyDir: {} },
      { name: 'tmp', emptyDir: {} },
      // Readable by the group: PostgreSQL accepts no key that others may read.
      { name: 'server', secret: { secretName: name, defaultMode: 0o640 } },
    ],
  }
}

const script = `
  initdb --pgdata /data/pgdata --username postgres --pwfile /server/password --auth scram-sha-256 --encoding UTF8 --no-sync
  echo 'hostssl all all all scram-sha-256' >/data/pgdata/pg_hba.conf
  exec postgres -D /data/pgdata -c listen_addresses='*' -c unix_socket_directories=/tmp -c fsync=off -c max_connections=60 \\
    -c ssl=on -c ssl_cert_file=/server/tls.crt -c ssl_key_file=/server/tls.key`
