import type { SourceTableDeclaration } from './declaration.ts';

/** A student's grade for an item of a course, as of a time. */
export const GRADES = {
  columns: {
    student_id: 'uuid',
    course_id: 'uuid',
    grade_item: 'text',
    grade_value: 'numeric',
    grade_max: 'numeric',
    timestamp: 'timestamp',
  },
  family: 'performance',
  copied: 'true',
} as const satisfies SourceTableDeclaration;
