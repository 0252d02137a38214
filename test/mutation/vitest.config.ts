import { defineConfig } from 'vitest/config';

/** The unit tests that pin the rules by example: no database, so that each mutant is judged within a second. */
export default defineConfig({
  test: {
    include: ['test/{clean,aggregate,derive}/**/*.test.ts'],
    // The score must not depend on the luck of a draw: an example has to pin each rule.
    exclude: ['**/*.property.test.ts', '**/node_modules/**'],
    setupFiles: ['test/mutation/seed.ts'],
    // As in the suite: the longest test exceeds the runner's default.
    testTimeout: 120_000,
  },
});
