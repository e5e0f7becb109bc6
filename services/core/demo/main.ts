/** `make demo`: loads the demo into a Ready platform and prints one candidate's ten best jobs, asked over HTTP. */
import { setTimeout as sleep } from 'node:timers/promises'
import { issueToken } from './issue-token.ts'
import { cluster, fail, kubectl, namespace, withPortForward } from './kubectl.ts'
import { demoCandidateId, demoPerson } from './synthesize.ts'

const service = `${cluster}-core-api`
const job = `${cluster}-demo-load`

interface MatchList {
  items: { jobId: string; title: string; company: string; score: number; reasons: string[] }[]
}

const started = performance.now()
if (process.argv.length > 2)
  fail(new Error('Usage: make demo [CLUSTER=demo] [NAMESPACE=supersmartmatch]; it takes no arguments'))
try {
  await checkReady()
  await load()
  printMatches(await fetchMatches())
  console.log(`\nmake demo took ${((performance.now() - started) / 1000).toFixed(0)} s.`)
} catch (error) {
  fail(error)
}

async function checkReady(): Promise<void> {
  const ready = '{.status.conditions[?(@.type=="Ready")].status}: {.status.conditions[?(@.type=="Ready")].message}'
  const state = await kubectl(['get', 'mc', cluster, '-o', `jsonpath=${ready}`])
  if (!state.startsWith('True')) throw new Error(`MatchingCluster ${cluster} in ${namespace} is not Ready (${state})`)
  console.log(`MatchingCluster ${cluster} in namespace ${namespace} is Ready.`)
}

/** The loader runs in the cluster, as the database's owner: its binding Secret never leaves it. */
async function load(): Promise<void> {
  const image = await kubectl([
    'get',
    'deployment',
    service,
    '-o',
    'jsonpath={.spec.template.spec.containers[0].image}',
  ])
  await kubectl(['delete', 'job', job, '--ignore-not-found', '--wait', '--cascade=foreground'])
  await kubectl(['apply', '-f', '-'], JSON.stringify(loadJob(image)))
  let printed = 0
  for (;;) {
    const log = await kubectl(['logs', `job/${job}`]).catch(() => '') // the pod is not there yet
    const lines = log.trimEnd().split('\n').filter(Boolean)
    for (const line of lines.slice(printed)) console.log(`  ${line}`)
    printed = lines.length
    const conditions = '{.status.conditions[?(@.status=="True")].type}'
    const state = await kubectl(['get', 'job', job, '-o', `jsonpath=${conditions}`])
    if (state.includes('Complete')) return
    if (state.includes('Failed'))
      throw new Error(`Job ${job} failed; its log is above: kubectl logs job/${job} -n ${namespace}`)
    await sleep(500)
  }
}

function loadJob(image: string) {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: job, namespace, labels: { 'app.kubernetes.io/part-of': 'supersmartmatch-demo' } },
    spec: {
      backoffLimit: 1,
      ttlSecondsAfterFinished: 600,
      template: {
        // Nobody else reaches the store: docs/network.md.
        metadata: { labels: { [`client.supersmartmatch.io/${cluster}-core`]: 'true' } },
        spec: {
          restartPolicy: 'Never',
          automountServiceAccountToken: false,
          securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
          containers: [
            {
              name: 'load',
              image,
              imagePullPolicy: 'IfNotPresent',
              command: ['node', 'services/core/demo/load.ts', '/binding'],
              resources: { requests: { cpu: '50m', memory: '256Mi' }, limits: { memory: '1Gi' } },
              securityContext: {
                allowPrivilegeEscalation: false,
                readOnlyRootFilesystem: true,
                capabilities: { drop: ['ALL'] },
              },
              volumeMounts: [{ name: 'binding', mountPath: '/binding', readOnly: true }],
            },
          ],
          volumes: [{ name: 'binding', secret: { secretName: `${cluster}-core-owner` } }],
        },
      },
    },
  }
}

async function fetchMatches(): Promise<MatchList> {
  const token = await issueToken('candidate', demoPerson('candidate', 1).userId)
  const path = `/v1/candidates/${demoCandidateId(1)}/matches?limit=10`
  console.log(`\nGET ${path}`)
  return withPortForward(service, 8080, async (url) => {
    const response = await fetch(`${url}${path}`, { headers: { authorization: `Bearer ${token}` } })
    const body = await response.text()
    if (!response.ok) throw new Error(`the core service answered ${response.status}: ${body}`)
    return JSON.parse(body) as MatchList
  })
}

function printMatches({ items }: MatchList): void {
  if (items.length === 0) throw new Error('the core service found no match: the demo data is incomplete')
  for (const [index, match] of items.entries()) {
    console.log(
      `\n${String(index + 1).padStart(2)}. ${match.title}, ${match.company} (score ${match.score.toFixed(3)})`,
    )
    for (const reason of match.reasons) console.log(`      ${reason}`)
  }
}
