/**
 * The flags stored for a day, in the order of their bits: append only (libs/README.md, Stored orders). Two that are no longer
 * derived keep their places.
 */
export const STORED_FLAGS = [
  'engagement_drop',
  'engagement_shift',
  'engagement_spike',
  'grade_drop',
  'grade_outlier',
  'grade_spike',
  'inactivity',
  'sustained_low',
  'attention',
  'absent',
  'missing_work',
  'low_marks',
] as const;

/** Why a student has attention; reasons with equal points are named in this order. */
export const ATTENTION_REASONS = ['absent', 'missing_work', 'low_marks'] as const;
export type AttentionReason = (typeof ATTENTION_REASONS)[number];

/** The one alarm, and its reasons. */
export const ATTENTION_FLAGS = ['attention', ...ATTENTION_REASONS] as const;
export type AttentionFlagName = (typeof ATTENTION_FLAGS)[number];

/** What is unusual compared with a student's own past; no alarm. */
export const OWN_PAST_FLAGS = [
  'engagement_drop',
  'engagement_spike',
  'grade_drop',
  'grade_outlier',
  'grade_spike',
  'inactivity',
] as const;
export type OwnPastFlagName = (typeof OWN_PAST_FLAGS)[number];

/** All present flags. */
export const FLAG_NAMES = [...ATTENTION_FLAGS, ...OWN_PAST_FLAGS] as const;
export type FlagName = (typeof FLAG_NAMES)[number];

/** How a flag of a student's own past is found. */
export const FLAG_METHODS = ['modified_z', 'own_gap', 'tukey'] as const;
export type FlagMethod = (typeof FLAG_METHODS)[number];

/** How a reason is found. */
export const REASON_METHODS = ['class_days', 'class_work', 'class_grades'] as const;
export type ReasonMethod = (typeof REASON_METHODS)[number];

/** The most severe first. */
export const SEVERITIES = ['high', 'medium', 'low'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** Lists leave out open attention for students who have been gone for more days: it is too late to talk to them. */
export const MOST_DAYS_GONE = 60;
