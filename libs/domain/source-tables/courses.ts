import type { SourceTableDeclaration } from './declaration.ts';

/** Which courses there are. */
export const COURSES = { columns: {}, family: null, copied: null } as const satisfies SourceTableDeclaration;
