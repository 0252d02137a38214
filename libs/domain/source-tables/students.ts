import type { SourceTableDeclaration } from './declaration.ts';

/** Who there is. Names and addresses are not needed, and stay at the source. */
export const STUDENTS = { columns: {}, family: null, copied: null } as const satisfies SourceTableDeclaration;
