/**
 * What the code makes of the rows of `test/features/sample.ts`: part of the hash of the features, so that a database which
 * was derived by code with other results is derived again. Written by `npx vitest run test/features -u`.
 */
export const RESULTS = '65b58f4d9c88ce9531d69993796e366384ae788e0bb180722cba5968dd7d21a5';
