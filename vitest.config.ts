import { defineConfig } from 'vitest/config';
import { longestFirst } from './test/support/longest-first.ts';

const LONGEST = [
  'test/oulad',
  'bench/bench',
  'e2e/own-database',
  'e2e/start',
  'property/core',
  'e2e/bad-days',
  'reconcile/no-false-alarm',
  'e2e/roles',
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
