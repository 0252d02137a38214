import path from 'node:path';
import { defineConfig } from 'vite';

/** Builds the pages into files that the API serves: their names contain their hashes, and nothing is loaded from elsewhere. */
export default defineConfig({
  root: import.meta.dirname,
  // Only types are imported from libs, so nothing of it remains at run time.
  resolve: { alias: { '#libs': path.resolve(import.meta.dirname, '../../libs') } },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    // Assets inlined as data: URLs would need more than 'self' in the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  logLevel: 'warn',
});
