import { defineConfig } from 'vitest/config';
import { longestFirst } from './test/support/longest-first.ts';

const LONGEST = [
  'test/oulad',
  'connectors/data',
  'connectors/airflow',
  'bench/bench',
  'property/core',
  'reconcile/no-false-alarm',
  'e2e/own-database',
  'e2e/kills',
  'reconcile/rows/repair',
  'api/clients',
  'e2e/bad-days',
  'source/pgoutput-preflight',
  'e2e/erase',
  'e2e/ready',
  'e2e/secrets',
  'pipeline-runs/process',
  'e2e/start',
  'source/pgoutput-columns',
  'integrity/split-moves',
  'e2e/reconcile',
  'e2e/roles',
];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/*.stack.test.ts', '**/node_modules/**'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    // What is asked again and again: only what never comes is late, on however busy a machine.
    expect: { poll: { timeout: 60_000 } },
    // One more than cores: servers and timers are waited for as well.
    maxWorkers: 3,
    sequence: { sequencer: longestFirst(LONGEST) },
    reporters: ['default', ['json', { outputFile: process.env['TEST_REPORT'] ?? '.test-reports/node.json' }]],
  },
});
