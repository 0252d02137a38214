import { trimAscii } from './text.ts';

/** The kinds of activity that are distinguished. */
export const ACTIVITY_TYPES = [
  'login',
  'view',
  'forum_post',
  'submission',
  'quiz_attempt',
  'completion',
  'other',
] as const;
export type ActivityType = (typeof ACTIVITY_TYPES)[number];

/** A connector's word for a kind of activity in the form used for comparison: trimmed, in lower case. */
export const normaliseWord = (activityType: string | null): string => trimAscii(activityType ?? '').toLowerCase();
