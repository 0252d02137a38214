import { defineConfig } from 'vitest/config';

/** Tests against the real broker, registry, Connect and Debezium: they share those, so that files run one at a time. */
export default defineConfig({
  test: {
    include: ['test/**/*.stack.test.ts'],
    globalSetup: ['test/support/stack-global-setup.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    teardownTimeout: 60_000,
    fileParallelism: false,
    maxWorkers: 1,
    reporters: ['default', ['json', { outputFile: '.test-reports/stack.json' }]],
  },
});
