/**
 * What the code makes of the rows of `test/features/sample.ts`: part of the hash of the features, so that a database which
 * was derived by code with other results is derived again. Written by `npx vitest run test/features -u`.
 */
export const RESULTS = '2b5724541f054710b9930d526be968add1708e1aa438ced1d671ed5b0f9bfd82';
