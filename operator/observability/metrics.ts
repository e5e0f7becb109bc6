import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client'

/** Everything /metrics serves. Durations are in seconds. */
export const registry = new Registry()
collectDefaultMetrics({ register: registry })

const registers = [registry]
const seconds = [0.005, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60]

/** One table: the names are part of the public contract. */
// prettier-ignore
export const metrics = {
  reconciles:        new Counter({ registers, name: 'supersmartmatch_reconcile_total', labelNames: ['kind', 'result'], help: 'Reconciles by result: done, wait, blocked, asleep, paused, error, absent, conflict, elsewhere, aborted.' }),
  reconcileDuration: new Histogram({ registers, name: 'supersmartmatch_reconcile_duration_seconds', labelNames: ['kind'], buckets: seconds, help: 'Time of one reconcile.' }),
  queueDepth:        new Gauge({ registers, name: 'supersmartmatch_workqueue_depth', labelNames: ['queue'], help: 'Keys that are due and wait for a worker.' }),
  queueWait:         new Histogram({ registers, name: 'supersmartmatch_workqueue_wait_seconds', labelNames: ['queue'], buckets: seconds, help: 'Time between a key being due and a worker taking it.' }),
  queueRetries:      new Counter({ registers, name: 'supersmartmatch_workqueue_retries_total', labelNames: ['queue'], help: 'Keys put back with backoff.' }),
  apiRequests:       new Counter({ registers, name: 'supersmartmatch_api_requests_total', labelNames: ['method', 'kind', 'code'], help: 'Requests to the API server; code is the HTTP status, or none without an answer.' }),
  apiDuration:       new Histogram({ registers, name: 'supersmartmatch_api_request_duration_seconds', labelNames: ['method'], buckets: seconds, help: 'Time of one request to the API server, watches excepted.' }),
  applies:           new Counter({ registers, name: 'supersmartmatch_apply_total', labelNames: ['kind', 'result'], help: 'Owned objects by what apply did: created, updated, unchanged, refused, deleted.' }),
  watchConnects:     new Counter({ registers, name: 'supersmartmatch_watch_connects_total', labelNames: ['kind', 'namespace'], help: 'Watch connections opened.' }),
  watchErrors:       new Counter({ registers, name: 'supersmartmatch_watch_errors_total', labelNames: ['kind', 'namespace', 'cause'], help: 'Watches that ended other than by the server closing them: expired, silent, error_event, garbage, request.' }),
  watchLists:        new Counter({ registers, name: 'supersmartmatch_watch_lists_total', labelNames: ['kind', 'namespace'], help: 'Full lists, the first one included.' }),
  watchEventAge:     new Gauge({ registers, name: 'supersmartmatch_watch_last_event_age_seconds', labelNames: ['kind', 'namespace'], help: 'Age of the last event or bookmark. Above 90 the cache may be stale.' }),
  retentionOldest:   new Gauge({ registers, name: 'supersmartmatch_retention_oldest_seconds', labelNames: ['namespace', 'store', 'rule'], help: 'Age of the oldest row that a retention rule is about; 0 while there is none. Looked at every 5 minutes.' }),
  leader:            new Gauge({ registers, name: 'supersmartmatch_leader', help: '1 while this process holds the Lease.' }),
}
