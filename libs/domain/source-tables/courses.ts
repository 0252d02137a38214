import type { SourceTableDeclaration } from './declaration.ts';

/** The courses and their titles. */
export const COURSES = {
  columns: { fullname: 'text', shortname: 'text' },
  family: null,
  copied: null,
  isDirectory: true,
} as const satisfies SourceTableDeclaration;
