import type { Member, Members } from '../engines/engine.ts'
import type { Cache } from '../kube/cache.ts'

export interface PlayedMembers extends Members {
  /** Settings that every member is said to need a restart for. */
  pendingRestart: string[]
  /** How often a member was restarted for them. */
  restarts: number
}

/** For tests that play the kubelet: the pods of a store follow the one with the lowest ordinal, and nobody takes over. */
export function playMembers(cache: Cache, namespace: string): PlayedMembers {
  const played: PlayedMembers = {
    pendingRestart: [],
    restarts: 0,
    observe: async (_at, { store }) => ({ members: follow(store.metadata.name), paused: false }),
    configure: async () => [],
    unapplied: async () => [],
    restart: async () => {
      played.restarts++
      played.pendingRestart = []
    },
    shownCertificates: async () => [],
    reload: async () => undefined,
    switchOver: async () => 'nobody can take over',
    promote: async () => 'nobody can take over',
  }

  function follow(store: string): Member[] {
    const names = cache.list({ apiVersion: 'v1', kind: 'Pod' }, namespace).map(({ metadata }) => metadata.name)
    const ours = names.filter((name) => new RegExp(`^${store}-\\d+$`).test(name)).sort()
    return ours.map((name, index) => ({
      name,
      role: index === 0 ? 'primary' : 'replica',
      healthy: true,
      state: 'running',
      synchronous: index > 0,
      lagBytes: 0,
      pendingRestart: played.pendingRestart,
      primaryFirst: false,
    }))
  }

  return played
}
