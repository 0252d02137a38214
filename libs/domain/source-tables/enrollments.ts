import type { SourceTableDeclaration } from './declaration.ts';

/** Which student is in which course. */
export const ENROLLMENTS = {
  columns: { student_id: 'uuid', course_id: 'uuid', enrolled_at: 'timestamp' },
  family: 'engagement',
  copied: 'true',
} as const satisfies SourceTableDeclaration;
