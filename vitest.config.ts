import { defineConfig } from 'vitest/config';
import { longestFirst } from './test/support/longest-first.ts';

const LONGEST = [
  'test/oulad',
  'test/reconcile/no-false-alarm',
  'e2e/own-database',
  'api/clients',
  'bench/bench',
  'e2e/bad-days',
  'e2e/start',
  'e2e/kills',
  'property/core',
  'e2e/ready',
  'source/pgoutput-preflight',
  'e2e/reconcile',
  'e2e/roles',
  'source/pgoutput-columns',
  'pipeline-runs/process',
  'integrity/split-moves',
];

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/*.stack.test.ts', '**/node_modules/**'],
    globalSetup: ['test/support/global-setup.ts'],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    maxWorkers: 2,
    sequence: { sequencer: longestFirst(LONGEST) },
    reporters: ['default', ['json', { outputFile: process.env['TEST_REPORT'] ?? '.test-reports/node.json' }]],
  },
});
