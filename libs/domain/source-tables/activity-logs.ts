import type { SourceTableDeclaration } from './declaration.ts';

/**
 * What a student did, or how far something is completed. Only three members of `metadata` are needed
 * (`libs/clean/metadata.ts`); it is read whole, since no publication sends part of a column, and cut down before it is stored.
 */
export const ACTIVITY_LOGS = {
  columns: {
    student_id: 'uuid',
    course_id: 'uuid',
    activity_type: 'text',
    resource_id: 'text',
    duration_seconds: 'integer',
    timestamp: 'timestamp',
    metadata: 'json',
  },
  family: 'engagement',
  copied: 'state.is_copied(activity_type)',
} as const satisfies SourceTableDeclaration;
