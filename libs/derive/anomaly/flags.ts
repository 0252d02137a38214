import type { FlagMethod, FlagName, Severity } from '#libs/domain/flags.ts';
import type { FeatureColumns } from '../columns.ts';
import type { DerivingSettings } from '../settings.ts';

export { FLAG_NAMES, type FlagName, type Severity } from '#libs/domain/flags.ts';

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
  unsupported: 'text[]',
} as const satisfies FeatureColumns & Readonly<Record<FlagName, 'jsonb'>>;

/**
 * Why a flag is open. Value, baseline and threshold have one unit: points of score or of percent, or days (own_gap), with 2
 * decimals (6 of cusum and ewma).
 */
export interface FlagFinding {
  readonly value: number;
  /** Null where a gap is not measured against the student's own. */
  readonly baseline: number | null;
  readonly threshold: number;
  readonly method: FlagMethod;
  readonly severity: Severity;
  /** The item that lies apart, where the value is a grade. */
  readonly item?: string;
  /** Which way the level moved (cusum). */
  readonly direction?: 'up' | 'down';
}

/** An open flag as it is stored. */
export interface Flag extends FlagFinding {
  /** First day, YYYY-MM-DD, of the unbroken run of days on which the flag, as of that day, was open. */
  readonly since: string;
}

/** A flag is null while it is not open: closed or, where `unsupported` has its name, not known. */
export type AnomalyFeatures = Readonly<Record<FlagName, Flag | null>> & {
  /** Names of the flags whose minimum of data is not met, in order. */
  readonly unsupported: readonly FlagName[];
};

export type AnomalySettings = Pick<DerivingSettings, 'outlierThreshold'>;

/**
 * High from twice the distance between baseline and threshold on, medium from one and a half times, else low.
 * @param reaches whether the value lies at least so many halves of that distance away; to be decided without rounding
 */
export function severityBy(reaches: (halves: bigint) => boolean): Severity {
  if (reaches(4n)) return 'high';
  return reaches(3n) ? 'medium' : 'low';
}
