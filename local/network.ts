import { existsSync, writeFileSync } from 'node:fs'
import { addresses, bridgeName } from './paths.ts'
import { run, succeeds } from './run.ts'

/** Our own table: pods reach the outside with the machine's address. kube-proxy keeps its tables itself. */
const masqueradeTable = `table ip supersmartmatch
delete table ip supersmartmatch
table ip supersmartmatch {
  chain postrouting {
    type nat hook postrouting priority srcnat;
    ip saddr ${addresses.pods} ip daddr != ${addresses.range} masquerade
  }
}
`

/** Drops every packet from and to one pod, as if its node had vanished: nobody is told. */
const isolation = (pod: string) => `table ip ${isolationTable}
delete table ip ${isolationTable}
table ip ${isolationTable} {
  chain arriving {
    type filter hook prerouting priority raw;
    ip saddr ${pod} drop
    ip daddr ${pod} drop
  }
  chain leaving {
    type filter hook output priority raw;
    ip daddr ${pod} drop
  }
}
`
const isolationTable = 'supersmartmatch-isolated'

/** For tests. Cuts off the pod with this address, and nobody else; undefined: nobody. */
export async function isolate(pod: string | undefined): Promise<void> {
  if (pod) await run('nft', ['-f', '-'], { input: isolation(pod) })
  else await deleteTable(['ip', isolationTable])
}

async function deleteTable(table: string[]): Promise<void> {
  if (await succeeds('nft', ['list', 'table', ...table])) await run('nft', ['delete', 'table', ...table])
}

/** Marks the iptables rules that are ours. */
const ruleComment = 'supersmartmatch'

/** Rules a firewall with a default of DROP (Docker, ufw) needs before pods can reach each other and the API server. */
const acceptRules = [
  ['INPUT', '-s', addresses.pods],
  ['FORWARD', '-s', addresses.pods],
  ['FORWARD', '-d', addresses.pods],
]

/** The chains that drop by default, from `iptables -S`. */
export function droppingChains(rules: string): string[] {
  return [...rules.matchAll(/^-P (\S+) DROP$/gm)].map((match) => match[1] ?? '')
}

/** The arguments that delete our rules, from `iptables -S`. */
export function deletionsOfOurRules(rules: string): string[][] {
  return rules
    .split('\n')
    .filter((line) => line.startsWith('-A ') && line.includes(`--comment ${ruleComment}`))
    .map((line) => ['-D', ...line.slice(3).split(' ')])
}

async function listRules(): Promise<string> {
  return (await succeeds('iptables', ['-S'])) ? run('iptables', ['-S']) : ''
}

async function openFirewall(): Promise<void> {
  const rules = await listRules()
  const dropping = droppingChains(rules)
  for (const [chain = '', ...match] of acceptRules) {
    if (!dropping.includes(chain)) continue
    const rule = [chain, ...match, '-m', 'comment', '--comment', ruleComment, '-j', 'ACCEPT']
    if (!(await succeeds('iptables', ['-C', ...rule]))) await run('iptables', ['-I', ...rule])
  }
}

/** Kernel modules may be built in, or the kernel may load them itself: only the effect counts. */
async function ensureKernel(): Promise<void> {
  for (const module of ['overlay', 'br_netfilter', 'nf_conntrack', 'veth']) await succeeds('modprobe', [module])
  writeFileSync('/proc/sys/net/ipv4/ip_forward', '1')
  const bridgeSetting = '/proc/sys/net/bridge/bridge-nf-call-iptables'
  if (!existsSync(bridgeSetting)) {
    throw new Error('the kernel has no br_netfilter: Services could not be reached from pods on the same node')
  }
  writeFileSync(bridgeSetting, '1')
}

/** The node's address, forwarding, and the way out for pods. */
export async function ensureNetwork(): Promise<void> {
  await ensureKernel()
  await run('ip', ['address', 'replace', `${addresses.node}/32`, 'dev', 'lo'])
  await run('nft', ['-f', '-'], { input: masqueradeTable })
  await openFirewall()
}

/** Removes every address, link, table and rule that we or our kube-proxy and CNI plugins made. */
export async function removeNetwork(): Promise<void> {
  for (const table of [
    ['ip', 'supersmartmatch'],
    ['ip', isolationTable],
    ['ip', 'kube-proxy'],
    ['ip6', 'kube-proxy'],
  ]) {
    await deleteTable(table)
  }
  for (const deletion of deletionsOfOurRules(await listRules())) await run('iptables', deletion)
  if (existsSync(`/sys/class/net/${bridgeName}`)) await run('ip', ['link', 'delete', bridgeName])
  const held = await run('ip', ['-brief', 'address', 'show', 'dev', 'lo'])
  if (held.includes(`${addresses.node}/32`)) await run('ip', ['address', 'delete', `${addresses.node}/32`, 'dev', 'lo'])
}
