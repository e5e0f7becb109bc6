import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

const slow = process.env['SLOW'] === '1' ? [] : ['**/*.slow.test.ts']
const none = ['**/node_modules/**', ...slow]
// Tests against the cluster mostly wait for pods; one worker per processor but one, the default, leaves the machine idle meanwhile.
const maxWorkers = Math.max(3, availableParallelism())
// What is asked is often a kubectl of its own, and others wait for the same processors.
const expect = { poll: { interval: 250 } }

// These act on the installed operator, or count, time or list what is there: nothing else may run meanwhile.
const alone = [
  'e2e/**/*.slow.test.ts',
  'e2e/{faults,operator,plaintext,steady,writes}.test.ts',
  'operator/main.cluster{,.slow}.test.ts',
  'local/up.slow.test.ts',
]
const patience = { testTimeout: 600_000, hookTimeout: 600_000 }

/**
 * `unit` needs nothing. `layering` is part of `make check`. The others need the cluster that KUBECONFIG names:
 * `operator` its API server, `postgres` a database pod that globalSetup starts there, `bench` the same for figures, `engines` pods of
 * the other engines, `e2e` and `alone` the installed operator.
 */
export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      { test: { name: 'layering', include: ['*.test.ts'], exclude: none, maxWorkers } },
      {
        test: {
          name: 'unit',
          maxWorkers,
          include: ['{crds,operator,services,migrations,images,local,charts}/**/*.test.ts'],
          exclude: [...none, ...alone, '**/*.cluster{,.slow}.test.ts', '**/*.{postgres,engines}{,.slow}.test.ts'],
        },
      },
      // Against a cluster that is busy with other tests: what fails is tried once more, and the report says so (retry x1).
      {
        test: {
          name: 'operator',
          maxWorkers,
          expect,
          include: ['{crds,operator,charts}/**/*.cluster{,.slow}.test.ts'],
          exclude: [...none, ...alone],
          retry: 1,
        },
      },
      {
        test: {
          name: 'postgres',
          maxWorkers,
          include: ['{operator,migrations,services}/**/*.postgres{,.slow}.test.ts'],
          exclude: none,
          globalSetup: ['e2e/harness/postgres.ts'],
        },
      },
      {
        test: {
          name: 'engines',
          maxWorkers,
          include: ['{migrations,operator}/**/*.engines.test.ts'],
          exclude: none,
          globalSetup: ['e2e/harness/engines.ts'],
        },
      },
      // Figures: one after the other, or they would measure each other.
      {
        test: {
          name: 'bench',
          include: ['bench/**/*.test.ts'],
          exclude: none,
          fileParallelism: false,
          globalSetup: ['e2e/harness/postgres.ts'],
        },
      },
      {
        test: {
          name: 'e2e',
          maxWorkers,
          expect,
          retry: 1,
          include: ['e2e/**/*.test.ts'],
          exclude: [...none, ...alone],
          ...patience,
        },
      },
      { test: { name: 'alone', expect, fileParallelism: false, retry: 1, include: alone, exclude: none, ...patience } },
    ],
  },
})
