import type { SourceTableDeclaration } from './declaration.ts';

/** The students and their names. Addresses are not needed, and stay at the source. */
export const STUDENTS = {
  columns: { firstname: 'text', lastname: 'text' },
  family: null,
  copied: null,
  isDirectory: true,
} as const satisfies SourceTableDeclaration;
