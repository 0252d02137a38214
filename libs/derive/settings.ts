import { type ComponentNumbers, SETTING_DECIMALS } from '#libs/domain/components.ts';

/** When attention opens and closes. */
export interface AlarmSettings {
  /** The alarm opens with at least `openPoints`, and closes below `closePoints`. */
  readonly openPoints: number;
  readonly closePoints: number;
}

/** What counts as a class, and what it is expected to do. */
export interface ClassSettings {
  /** The fewest attending keys that make a class. */
  readonly leastClass: number;
  /** Work is expected once this percentage of those attending have handed it in. */
  readonly expectedShare: number;
}

/** The settings that decide how features follow from facts. Changing any of them changes results. */
export interface DerivingSettings extends AlarmSettings, ClassSettings {
  /** Two events of one local day at most this far apart belong together. Milliseconds. */
  readonly sessionGapMs: number;
  readonly engagementWeights: ComponentNumbers;
  /** What counts as full engagement in a week; above 0. Time in seconds. */
  readonly engagementTargets: ComponentNumbers;
  /** LMSConnector writes an ungraded item as 0: `ungraded` reads a zero that way, `graded` counts it. */
  readonly zeroGrades: 'ungraded' | 'graded';
  /** Percent, times 10^SETTING_DECIMALS. */
  readonly passMark: bigint;
  /** The number of σ from the median at which a value is unusual; above 0, times 10^SETTING_DECIMALS. */
  readonly outlierThreshold: bigint;
}

export const SETTING_SCALE = 10n ** BigInt(SETTING_DECIMALS);
