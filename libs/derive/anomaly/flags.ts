import type { FeatureColumns } from '../columns.ts';

/** The columns of `anomaly_features`, but its key and stamps, with their types: a flag each, then what is not known. */
export const ANOMALY_COLUMNS = {
  engagement_drop: 'jsonb',
  engagement_spike: 'jsonb',
  inactivity: 'jsonb',
  engagement_shift: 'jsonb',
  sustained_low: 'jsonb',
  grade_drop: 'jsonb',
  grade_spike: 'jsonb',
  grade_outlier: 'jsonb',
  unsupported: 'jsonb',
} as const satisfies FeatureColumns;

export type FlagName = Exclude<keyof typeof ANOMALY_COLUMNS, 'unsupported'>;

/** In order of name, in which lists of flags are kept. */
export const FLAG_NAMES = [
  'engagement_drop',
  'engagement_shift',
  'engagement_spike',
  'grade_drop',
  'grade_outlier',
  'grade_spike',
  'inactivity',
  'sustained_low',
] as const satisfies readonly FlagName[];

export type Method = 'modified_z' | 'own_gap' | 'cusum' | 'ewma' | 'tukey';
export type Severity = 'low' | 'medium' | 'high';

/**
 * Why a flag is open. Value, baseline and threshold have one unit: points of score or of percent, with 2 decimals (6 of
 * cusum and ewma), or whole days (own_gap).
 */
export interface Finding {
  readonly value: number;
  /** Null where a gap is not measured against the student's own. */
  readonly baseline: number | null;
  readonly threshold: number;
  readonly method: Method;
  readonly severity: Severity;
  /** The item that lies apart (tukey). */
  readonly item?: string;
  /** Which way the level moved (cusum). */
  readonly direction?: 'up' | 'down';
}

/** An open flag as it is stored. */
export interface Flag extends Finding {
  /** First day, YYYY-MM-DD, of the unbroken run of days on which the flag, as of that day, was open. */
  readonly since: string;
}

/** A flag is null while it is not open: closed or, where `unsupported` has its name, not known. */
export type AnomalyFeatures = Readonly<Record<FlagName, Flag | null>> & {
  /** Names of the flags whose minimum of data is not met, in order. */
  readonly unsupported: readonly FlagName[];
};

export interface AnomalySettings {
  /** How many σ from the median are too many for modified_z; not below 0, times 10^SETTING_DECIMALS. */
  readonly outlierThreshold: bigint;
}

/**
 * High from twice the distance between baseline and threshold on, medium from one and a half times, else low.
 * @param reaches whether the value lies at least so many halves of that distance away; to be decided without rounding
 */
export function severityBy(reaches: (halves: bigint) => boolean): Severity {
  if (reaches(4n)) return 'high';
  return reaches(3n) ? 'medium' : 'low';
}
