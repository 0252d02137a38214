import path from 'node:path';
import { defineConfig } from 'vite';

/** The pages, made into files that the API serves: their names hold their hashes, and all of it comes from here. */
export default defineConfig({
  root: import.meta.dirname,
  // Types of answers are imported from libs; nothing of it is left at run time.
  resolve: { alias: { '#libs': path.resolve(import.meta.dirname, '../../libs') } },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    // Inlined as data: they would ask for more than 'self' in the policy.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  logLevel: 'warn',
});
