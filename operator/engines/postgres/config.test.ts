import { expect, test } from 'vitest'
import { bytes, memorySettings, walSettings } from './config.ts'

const gi = 2 ** 30
const mi = 2 ** 20

// prettier-ignore
test.each([
  ['128Mi', 128 * mi, { shared_buffers: '32MB',    effective_cache_size: '96MB',   maintenance_work_mem: '16MB',   work_mem: '4MB' }],
  ['1Gi',   gi,       { shared_buffers: '256MB',   effective_cache_size: '768MB',  maintenance_work_mem: '64MB',   work_mem: '4MB' }],
  ['8Gi',   8 * gi,   { shared_buffers: '2048MB',  effective_cache_size: '6144MB', maintenance_work_mem: '512MB',  work_mem: '20MB' }],
  ['256Gi', 256 * gi, { shared_buffers: '16384MB', effective_cache_size: '196608MB', maintenance_work_mem: '2048MB', work_mem: '64MB' }],
])('memory of a pod limited to %s', (_limit, limit, expected) => expect(memorySettings(limit, 100)).toEqual(expected))

// prettier-ignore
test.each([
  ['256Mi, the smallest', 256 * mi,  { max_wal_size: '64MB',   min_wal_size: '32MB' }],
  ['2Gi',                 2 * gi,    { max_wal_size: '256MB',  min_wal_size: '64MB' }],
  ['1Ti',                 2 ** 40,   { max_wal_size: '8192MB', min_wal_size: '1024MB' }],
])('write-ahead log on a volume of %s', (_size, size, expected) => expect(walSettings(size)).toEqual(expected))

// prettier-ignore
test.each([
  ['1073741824', gi], ['1Gi', gi], ['1.5Gi', 1.5 * gi], ['512Mi', 512 * mi], ['1G', 1e9], ['500M', 5e8], ['1000m', 1],
])('%s', (quantity, expected) => expect(bytes(quantity)).toBe(expected))

test.each(['', 'Gi', '1Xi'])('"%s" is no quantity', (text) => expect(() => bytes(text)).toThrow(RangeError))
