import { defineConfig } from 'vitest/config';
import { longestFirst } from './test/support/longest-first.ts';

const LONGEST = [
  'test/oulad',
  'connectors/data',
  'bench/bench',
  'e2e/own-database',
  'api/clients',
  'connectors/airflow',
  'reconcile/no-false-alarm',
  'property/core',
  'e2e/bad-days',
  'e2e/kills',
  'e2e/ready',
  'web/campus',
  'e2e/secrets',
  'pipeline-runs/process',
  'explain/api',
  'source/pgoutput-columns',
  'reconcile/rows/repair',
  'source/pgoutput-preflight',
  'e2e/start',
  'dataset/audit',
  'platform/commands',
  'e2e/erase',
  'web/everyone',
  'reconcile/rows/no-false-alarm',
  'e2e/roles',
  'integrity/concurrency',
  'integrity/split-moves',
  'e2e/reconcile',
];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/*.stack.test.ts', '**/node_modules/**'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // Polling may take long on a busy machine; only what never comes should fail.
    expect: { poll: { timeout: 60_000 } },
    // Test files in one process share their imported modules, which each would otherwise load for a second.
    isolate: false,
    // One more than there are cores, since tests also wait for servers and timers.
    maxWorkers: 3,
    sequence: { sequencer: longestFirst(LONGEST) },
    reporters: ['default', ['json', { outputFile: process.env['TEST_REPORT'] ?? '.test-reports/node.json' }]],
  },
});
