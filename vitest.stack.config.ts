import { defineConfig } from 'vitest/config';
import { longestFirst } from './test/support/longest-first.ts';

const LONGEST = [
  'e2e/path',
  'bench/peers',
  'stack/whole',
  'stack/secure',
  'bench/stack',
  'connectors/register',
  'e2e/broker-away',
  'source/kafka-away',
];

/**
 * Tests against a real broker, registry, Connect and Debezium, which they share. Three files at a time, since they wait more
 * than they compute.
 */
export default defineConfig({
  test: {
    include: ['test/**/*.stack.test.ts'],
    globalSetup: ['test/support/stack-global-setup.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    expect: { poll: { timeout: 60_000 } },
    teardownTimeout: 60_000,
    maxWorkers: 3,
    sequence: { sequencer: longestFirst(LONGEST) },
    reporters: ['default', ['json', { outputFile: `.test-reports/${process.env['STACK_REPORT'] ?? 'stack'}.json` }]],
  },
});
