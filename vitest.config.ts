import { defineConfig } from 'vitest/config'

const slow = process.env['SLOW'] === '1' ? [] : ['**/*.slow.test.ts']
const none = ['**/node_modules/**', ...slow]

/**
 * `unit` needs nothing. `layering` is part of `make check`. The others need the cluster that KUBECONFIG names:
 * `operator` its API server, `postgres` a database pod that globalSetup starts there, `engines` pods of the other engines, `e2e` the
 * installed operator, `bench` the same database pod, for figures.
 */
export default defineConfig({
  test: {
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      { test: { name: 'layering', include: ['*.test.ts'], exclude: none } },
      {
        test: {
          name: 'unit',
          include: ['{crds,operator,services,migrations,images,local,charts}/**/*.test.ts'],
          exclude: [...none, '**/*.cluster{,.slow}.test.ts', '**/*.{postgres,engines}{,.slow}.test.ts'],
        },
      },
      // Against a cluster that is busy with other tests: what fails is tried once more, and the report says so (retry x1).
      {
        test: {
          name: 'operator',
          include: ['{crds,operator,charts}/**/*.cluster{,.slow}.test.ts'],
          exclude: none,
          retry: 1,
        },
      },
      {
        test: {
          name: 'postgres',
          include: ['{operator,migrations,services}/**/*.postgres{,.slow}.test.ts'],
          exclude: none,
          globalSetup: ['e2e/harness/postgres.ts'],
        },
      },
      // One account of NATS is for all tests of it, so one file after the other.
      {
        test: {
          name: 'engines',
          include: ['migrations/**/*.engines.test.ts'],
          exclude: none,
          fileParallelism: false,
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
          retry: 1,
          include: ['e2e/**/*.test.ts'],
          exclude: none,
          fileParallelism: false,
          testTimeout: 600_000,
          hookTimeout: 600_000,
        },
      },
    ],
  },
})
