import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Those that take longest come first, so that none of them runs on alone at the end. */
const LONGEST = [
  'e2e/path',
  'stack/whole',
  'bench/stack',
  'connectors/register',
  'e2e/broker-away',
  'source/kafka-away',
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const found = LONGEST.findIndex((name) => moduleId.includes(name));
      return found === -1 ? LONGEST.length : found;
    };
    return files.toSorted((one, other) => rank(one) - rank(other));
  }
}

/**
 * Tests against the real broker, registry, Connect and Debezium, which they share. Two files at a time: they wait for others more
 * than they compute.
 */
export default defineConfig({
  test: {
    include: ['test/**/*.stack.test.ts'],
    globalSetup: ['test/support/stack-global-setup.ts'],
    testTimeout: 240_000,
    hookTimeout: 240_000,
    teardownTimeout: 60_000,
    maxWorkers: 2,
    sequence: { sequencer: LongestFirst },
    reporters: ['default', ['json', { outputFile: '.test-reports/stack.json' }]],
  },
});
