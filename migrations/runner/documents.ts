import { Failed } from './errors.ts'
import type { LeaseStore } from './lease.ts'
import type { Engine, Entry } from './stepwise.ts'

/** Two small documents of an engine that replaces one only for who names the version it has. */
export interface Documents {
  read(key: Key): Promise<{ version: string; text: string } | undefined>
  /** @returns the new version; undefined when the document has another version than `from` by now (undefined: is there) */
  replace(key: Key, from: string | undefined, text: string): Promise<string | undefined>
}

export type Key = 'ledger' | 'lease'

/** The ledger and the lease of an engine, kept in such documents. */
export function keptIn(documents: Documents): Pick<Engine, 'readEntries' | 'writeEntry'> & { lease: LeaseStore } {
  return {
    readEntries: async () => entriesOf((await documents.read('ledger'))?.text),
    async writeEntry(entry) {
      const found = await documents.read('ledger')
      const others = entriesOf(found?.text).filter(({ version }) => version !== entry.version)
      const entries = [...others, entry].sort((one, other) => one.version - other.version)
      const written = await documents.replace('ledger', found?.version, JSON.stringify({ entries }))
      if (written === undefined) throw new Failed('Unavailable', 'another migrator wrote the ledger meanwhile')
    },
    lease: {
      async read() {
        const found = await documents.read('lease')
        return found && { version: found.version, holder: (JSON.parse(found.text) as { holder: string }).holder }
      },
      replace: (from, holder) => documents.replace('lease', from, JSON.stringify({ holder })),
    },
  }
}

function entriesOf(text = '{"entries":[]}'): Entry[] {
  const { entries } = JSON.parse(text) as { entries: (Entry & { startedAt: string; appliedAt?: string })[] }
  return entries.map((entry) => ({
    ...entry,
    startedAt: new Date(entry.startedAt),
    appliedAt: entry.appliedAt === undefined ? undefined : new Date(entry.appliedAt),
  }))
}
