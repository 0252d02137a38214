import type { Severity } from '#libs/domain/flags.ts';
import type { ANOMALY } from '#libs/features/anomaly.ts';
import type { FeaturesOf } from '#libs/features/definition.ts';
import type { DerivingSettings } from '../settings.ts';

export { FLAG_NAMES, type FlagName, OWN_PAST_FLAGS, type OwnPastFlagName, type Severity } from '#libs/domain/flags.ts';
export type { Flag, FlagFinding } from '#libs/features/units.ts';

/** A flag is null while it is not open: closed or, if `unsupported` contains its name, unknown. */
export type AnomalyFeatures = FeaturesOf<typeof ANOMALY>;

export type AnomalySettings = Pick<DerivingSettings, 'outlierThreshold' | 'openPoints' | 'closePoints'>;

/**
 * High from twice the distance between baseline and threshold, medium from one and a half times that distance, else low.
 * @param reaches whether the value is at least that many halves of the distance away; must be decided without rounding
 */
export function severityBy(reaches: (halves: bigint) => boolean): Severity {
  if (reaches(4n)) return 'high';
  return reaches(3n) ? 'medium' : 'low';
}
