import { defineConfig } from 'vitest/config';

/** The unit tests that hold the rules, example by example: no database, so that each mutant is judged within a second. */
export default defineConfig({
  test: {
    include: ['test/{clean,aggregate,derive}/**/*.test.ts'],
    // A score must not depend on the luck of the draw: a rule has to be held by an example.
    exclude: ['**/*.property.test.ts', '**/node_modules/**'],
    setupFiles: ['test/mutation/seed.ts'],
    // As in the suite: the longest takes more than the seconds that the runner gives.
    testTimeout: 120_000,
  },
});
