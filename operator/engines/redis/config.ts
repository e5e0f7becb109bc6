import { names } from '../../data-store/names.ts'
import type { Plan } from '../engine.ts'
import { namespaceOf, storeName } from '../stateful.ts'
import { runtimeSettings } from './parameters.ts'

export const port = 6379
/** Redis wants the difference to be this. */
export const busPort = port + 10_000
export const configDirectory = '/etc/redis'
export const loginsDirectory = '/logins'
export const tlsDirectory = '/tls'
export const tlsFiles = {
  certificate: `${tlsDirectory}/tls.crt`,
  key: `${tlsDirectory}/tls.key`,
  authority: `${tlsDirectory}/ca.crt`,
}
export const dataDirectory = '/data'
export const runDirectory = '/run/redis'
export const socket = `${runDirectory}/redis.sock`

/** By which a pod is known in the cluster and in its certificate. */
export const hostOf = (plan: Plan, pod: string) =>
  `${pod}.${names.headlessService(storeName(plan))}.${namespaceOf(plan)}.svc`

/** What is the same for every store and changes with the operator only. Holds no secret. */
export const fixedConfig = `# Written by the operator. Settings that may change at run time are in parameters.conf.
bind * -::*
port 0
tls-port ${port}
tls-cert-file ${tlsFiles.certificate}
tls-key-file ${tlsFiles.key}
tls-ca-cert-file ${tlsFiles.authority}
tls-auth-clients no
tls-replication yes
tls-cluster yes
# For probes in the pod itself: nobody else reaches it.
unixsocket ${socket}
unixsocketperm 700
# The user default is off: there is nothing to protect without a login.
protected-mode no
aclfile ${loginsDirectory}/users.acl
include ${loginsDirectory}/replication.conf
cluster-enabled yes
cluster-config-file nodes.conf
# Clients verify certificates by name, and names stay when addresses change.
cluster-preferred-endpoint-type hostname
cluster-allow-replica-migration no
dir ${dataDirectory}
appendonly yes
save ""
include ${configDirectory}/parameters.conf
`

/** What `settle` keeps in force, for pods that start. */
export function parametersFile(plan: Plan): string {
  const lines = Object.entries(runtimeSettings(plan.store)).map(([name, value]) => `${name} ${value || '""'}`)
  return `${lines.join('\n')}\n`
}

/** As `redis-cli` is called in a pod: through the socket, as the login the pod holds anyway. Few processes: it is done every few seconds. */
const local = `while read -r name value; do
  case "$name" in
    masteruser) user="$value" ;;
    masterauth) export REDISCLI_AUTH="$value" ;;
  esac
done < ${loginsDirectory}/replication.conf
ask() { redis-cli --no-auth-warning --user "$user" "$@"; }
`

/** Ready: its data is read, and a copy has what its master has, so that the next pod may go. */
export const readyScript = `#!/bin/sh
${local}
info="$(ask -s ${socket} INFO persistence replication)"
case "$info" in
  *[!_]loading:0*role:master* | *[!_]loading:0*master_link_status:up*) exit 0 ;;
esac
echo "\${info:-no answer}" | grep -E '^(loading:|role:|master_link|[A-Z]+ |no answer)'
exit 1
`

/**
 * Before a master stops, a copy takes over: planned, it loses nothing and clients notice a moment; otherwise they wait for the
 * cluster to miss it. A pod whose copies do not answer stops all the same.
 */
export const leaveScript = `#!/bin/sh
${local}
replication() { ask -s ${socket} INFO replication | tr -d '\\r'; }
copy="$(replication | sed -n 's/^slave[0-9]*:ip=\\(.*\\),port=[0-9]*,state=online,.*/\\1/p' | head -n 1)"
[ -n "$copy" ] || exit 0
ask --tls --cacert ${tlsFiles.authority} -h "$copy" -p ${port} CLUSTER FAILOVER
tries=50
while [ "$tries" -gt 0 ] && replication | grep -q '^role:master'; do
  tries=$((tries - 1))
  sleep 0.2
done
exit 0
`
