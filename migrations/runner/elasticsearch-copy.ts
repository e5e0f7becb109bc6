import { ask } from './elasticsearch-request.ts'
import type { Session } from './elasticsearch-request.ts'
import { Failed } from './errors.ts'

/*
 * Copies documents between two versions of an index: with searches and bulk requests alone, which every server has, and with the
 * version of each document, so that what was copied once is known.
 */

const pageSize = 500

interface Hit {
  _id: string
  _version: number
  sort: unknown[]
}

/** Every document of an index as it is at this moment, without what it holds. */
async function* pages(session: Session, index: string, signal: AbortSignal): AsyncGenerator<Hit[]> {
  await ask(session, 'POST', `/${index}/_refresh`, undefined, signal)
  const { id } = await ask<{ id: string }>(session, 'POST', `/${index}/_pit?keep_alive=5m`, undefined, signal)
  try {
    for (let after: unknown[] | undefined; ;) {
      const search = { size: pageSize, _source: false, version: true, track_total_hits: false, sort: ['_shard_doc'] }
      const body = { ...search, pit: { id, keep_alive: '5m' }, ...(after ? { search_after: after } : {}) }
      const { hits } = await ask<{ hits: { hits: Hit[] } }>(session, 'POST', '/_search', body, signal)
      if (hits.hits.length === 0) return
      yield hits.hits
      after = hits.hits.at(-1)?.sort
    }
  } finally {
    await ask(session, 'DELETE', '/_pit', { id })
  }
}

interface Document {
  _id: string
  found: boolean
  _version?: number
  _source?: object
}

async function get(
  session: Session,
  index: string,
  ids: string[],
  source: boolean,
  signal: AbortSignal,
): Promise<Document[]> {
  const { docs } = await ask<{ docs: Document[] }>(
    session,
    'POST',
    `/${index}/_mget?_source=${source}`,
    { ids },
    signal,
  )
  return docs
}

/** Copies every document that `to` does not have in the version of `from`. @returns how many */
export async function bring(session: Session, from: string, to: string, signal: AbortSignal): Promise<number> {
  let copied = 0
  for await (const page of pages(session, from, signal)) {
    const ids = page.map(({ _id }) => _id)
    const there = new Map((await get(session, to, ids, false, signal)).map(({ _id, _version }) => [_id, _version]))
    const missing = page.filter(({ _id, _version }) => there.get(_id) !== _version).map(({ _id }) => _id)
    if (missing.length === 0) continue
    const found = (await get(session, from, missing, true, signal)).filter((document) => document.found)
    const lines = found.flatMap(({ _id, _version, _source }) => [
      { index: { _id, version: _version, version_type: 'external_gte' } },
      _source ?? {},
    ])
    await bulk(session, to, lines, signal)
    copied += found.length
  }
  return copied
}

/** Removes what `from` has no more. @returns how many */
export async function removeGone(session: Session, from: string, to: string, signal: AbortSignal): Promise<number> {
  let removed = 0
  for await (const page of pages(session, to, signal)) {
    const ids = page.map(({ _id }) => _id)
    const gone = (await get(session, from, ids, false, signal)).filter(({ found }) => !found)
    await bulk(
      session,
      to,
      gone.map(({ _id }) => ({ delete: { _id } })),
      signal,
    )
    removed += gone.length
  }
  return removed
}

interface Item {
  status: number
  error?: { reason: string }
}

/** @throws when one of the documents is refused */
async function bulk(session: Session, index: string, lines: object[], signal: AbortSignal): Promise<void> {
  if (lines.length === 0) return
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('')
  const answer = await session.http.send('POST', `/${index}/_bulk`, text, { signal, type: 'application/x-ndjson' })
  const { items = [] } = JSON.parse(answer.text) as { items?: Record<string, Item>[] }
  const refused = items.flatMap((item) => Object.values(item)).find(({ status }) => status >= 300 && status !== 404)
  if (answer.status < 300 && !refused) return
  const reason = refused?.error?.reason ?? answer.text.slice(0, 300)
  throw new Failed('StatementFailed', `${index} does not take a document: ${reason}`)
}
