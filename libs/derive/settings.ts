import { type ComponentNumbers, SETTING_DECIMALS } from '#libs/domain/components.ts';

/** When attention opens and closes. */
export interface AlarmSettings {
  /** So many points open the alarm, and fewer than so many close it. */
  readonly openPoints: number;
  readonly closePoints: number;
}

/** What a class is, and expects. */
export interface ClassSettings {
  /** Fewer attending keys are no class. */
  readonly leastClass: number;
  /** Of those attending, percent. */
  readonly expectedShare: number;
}

/** What decides how features follow from facts. Changing any of it changes results. */
export interface DerivingSettings extends AlarmSettings, ClassSettings {
  /** Two events of one local day at most this far apart belong together. Milliseconds. */
  readonly sessionGapMs: number;
  readonly engagementWeights: ComponentNumbers;
  /** What counts as full engagement in a week; above 0. Time in seconds. */
  readonly engagementTargets: ComponentNumbers;
  /** LMSConnector writes an ungraded item as 0: `ungraded` reads a zero so, `graded` counts it. */
  readonly zeroGrades: 'ungraded' | 'graded';
  /** Percent, times 10^SETTING_DECIMALS. */
  readonly passMark: bigint;
  /** How many σ from the median are too many to be usual; above 0, times 10^SETTING_DECIMALS. */
  readonly outlierThreshold: bigint;
}

export const SETTING_SCALE = 10n ** BigInt(SETTING_DECIMALS);
