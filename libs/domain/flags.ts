/** The flags of unusual behaviour there are. Their places are the bits of what is stored of a day: append only (libs/README.md, Stored orders). */
export const FLAG_NAMES = [
  'engagement_drop',
  'engagement_shift',
  'engagement_spike',
  'grade_drop',
  'grade_outlier',
  'grade_spike',
  'inactivity',
  'sustained_low',
] as const;
export type FlagName = (typeof FLAG_NAMES)[number];

/** How a flag is found. */
export const FLAG_METHODS = ['modified_z', 'own_gap', 'cusum', 'ewma', 'tukey'] as const;
export type FlagMethod = (typeof FLAG_METHODS)[number];

/** The most severe first. */
export const SEVERITIES = ['high', 'medium', 'low'] as const;
export type Severity = (typeof SEVERITIES)[number];
