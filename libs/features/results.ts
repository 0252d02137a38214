/**
 * What the code makes of the rows of `test/features/sample.ts`: part of the hash of the features, so that a database which
 * was derived by code with other results is derived again. Written by `npx vitest run test/features -u`.
 */
export const RESULTS = '3b021cb6d40d78d317301a9173c3809966209c3049a493dce609537003b8a4c5';
