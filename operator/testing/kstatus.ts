import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import type { Condition } from '../../crds/conditions.ts'
import type { KubeObject } from '../../crds/object.ts'

const env = { ...process.env, PATH: `${join(import.meta.dirname, '../../.local/bin')}:${process.env['PATH'] ?? ''}` }

interface Verdict {
  status: 'Current' | 'InProgress' | 'Failed' | 'Terminating'
  message: string
}

/** What the kstatus library, with which Helm 4 waits, makes of each object: by a program of ours around it, local/go/kstatus. */
export function kstatus(objects: KubeObject[]): Verdict[] {
  const input = objects.map((object) => JSON.stringify(object)).join('\n')
  const { stdout, stderr, error, status } = spawnSync('kstatus', { input, env, encoding: 'utf8', maxBuffer: 2 ** 28 })
  if (error) throw error
  if (status !== 0) throw new Error(`kstatus: ${stderr}`)
  const lines = stdout.split('\n').filter(Boolean)
  return lines.map((line) => JSON.parse(line) as Verdict)
}

/** The same by our own conditions, in its words. */
function byConditions({ metadata, status }: KubeObject): Verdict['status'] {
  if (metadata.deletionTimestamp) return 'Terminating'
  const { conditions = [] } = (status ?? {}) as { conditions?: Condition[] }
  const isTrueNow = (type: string) =>
    conditions.some(
      (one) => one.type === type && one.status === 'True' && one.observedGeneration === metadata.generation,
    )
  if (isTrueNow('Ready')) return 'Current'
  return isTrueNow('Stalled') ? 'Failed' : 'InProgress'
}

/** Objects of which the library and our conditions say different things, a line each. */
export function disagreements(objects: KubeObject[], verdicts = kstatus(objects)): string[] {
  return objects.flatMap((object, index) => {
    const [expected, found] = [byConditions(object), verdicts[index]?.status]
    if (expected === found) return []
    const { name, generation } = object.metadata
    return [
      `${object.kind} ${name}: ${expected} by its conditions, ${found} by kstatus; generation ${generation}, ${JSON.stringify(object['status'])}`,
    ]
  })
}
