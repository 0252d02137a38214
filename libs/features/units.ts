import type { EngagementComponent } from '#libs/domain/components.ts';
import type { AttentionReason, FlagMethod, FlagName, ReasonMethod, Severity } from '#libs/domain/flags.ts';
import type { WorkSource } from '#libs/domain/work-source.ts';
import type { Instant } from '#libs/domain/zone.ts';

/** How a feature's value is stored: the Postgres type of its column. Decimals travel as exact text. */
export type FeatureType = 'integer' | 'bigint' | 'numeric' | 'timestamptz' | 'jsonb' | 'text' | 'boolean' | 'text[]';

/** One part of the engagement score over the last seven days. */
export interface ComponentShown {
  /** Time in whole seconds; null if not covered. */
  readonly value: number | null;
  readonly target: number;
  readonly weight: number;
  readonly covered: boolean;
}
export type ComponentsShown = Readonly<Record<EngagementComponent, ComponentShown>>;

export const WEEKDAY_NAMES = ['Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday', 'Sunday'] as const;
export type ActivityPattern = Readonly<Record<(typeof WEEKDAY_NAMES)[number], number>>;

/**
 * Why a flag is open. Value, baseline and threshold have the same unit: points of score or of percent, or days (own_gap),
 * with 2 decimals.
 */
export interface FlagFinding {
  readonly value: number;
  /** Null if a gap is not measured against the student's own gaps. */
  readonly baseline: number | null;
  readonly threshold: number;
  readonly method: FlagMethod;
  readonly severity: Severity;
  /** The item that lies apart, if the value is a grade. */
  readonly item?: string;
}

/** An open flag as stored. */
export interface Flag extends FlagFinding {
  /** First day, YYYY-MM-DD, of the unbroken run of days on which the flag, as of that day, was open. */
  readonly since: string;
}

/** Why attention is due. Value and threshold are points. */
export interface AttentionFlag {
  /** The day it opened; if it opened again within 14 days, the day it first opened. */
  readonly since: string;
  readonly value: number;
  readonly baseline: 0;
  readonly threshold: number;
  readonly method: 'points';
  readonly severity: Severity;
  /** Most points first. */
  readonly reasons: readonly { readonly reason: AttentionReason; readonly points: number }[];
}

/** What a student does compared with the class on the same days: active days, work items, or points of percent. */
export interface ReasonFlag {
  /** First day, YYYY-MM-DD, of the unbroken run of days on which it was open. */
  readonly since: string;
  readonly value: number;
  readonly baseline: number | null;
  readonly threshold: number;
  readonly method: ReasonMethod;
  readonly severity: Severity;
  /** For class_work: the source that shows the work. */
  readonly source?: WorkSource;
  /** For class_work: names of what is missing, at most five, most recently expected first. */
  readonly items?: readonly string[];
  /** For class_grades: how many items have both a student's and a class grade. */
  readonly graded?: number;
}

/** The type of a value of each unit in our code; decimals are exact text. */
export interface UnitValues {
  readonly count: number;
  readonly days: number;
  readonly seconds: number;
  readonly 'days a week, 2 decimals': string;
  readonly 'percent, 2 decimals': string;
  readonly 'points of 100, 2 decimals': string;
  readonly 'points a day, 6 decimals': string;
  readonly 'points per 30 days, 6 decimals': string;
  readonly 'days times bits, 6 decimals': string;
  readonly 'days, 6 decimals': string;
  readonly '0 to 1, 6 decimals': string;
  readonly 'shares by weekday, 4 decimals': ActivityPattern;
  readonly instant: Instant;
  readonly 'true or false': boolean;
  readonly 'course or site': 'course' | 'site';
  readonly 'recorded or estimated': 'recorded' | 'estimated';
  readonly 'the four components': ComponentsShown;
  readonly flag: Flag;
  readonly 'attention flag': AttentionFlag;
  readonly 'reason flag': ReasonFlag;
  readonly 'sorted names of flags': readonly FlagName[];
}

/** What a value is counted in, and how many decimals it is rounded to. It also determines how the value is stored, sent and served. */
export type Unit = keyof UnitValues;

/** How a value of each unit is stored; for how it is sent and served, see `avro-values.ts` and `libs/serve/feature-columns.ts`. */
export const TYPE_OF_UNIT: Readonly<Record<Unit, FeatureType>> = {
  count: 'integer',
  days: 'integer',
  seconds: 'bigint',
  'days a week, 2 decimals': 'numeric',
  'percent, 2 decimals': 'numeric',
  'points of 100, 2 decimals': 'numeric',
  'points a day, 6 decimals': 'numeric',
  'points per 30 days, 6 decimals': 'numeric',
  'days times bits, 6 decimals': 'numeric',
  'days, 6 decimals': 'numeric',
  '0 to 1, 6 decimals': 'numeric',
  'shares by weekday, 4 decimals': 'jsonb',
  instant: 'timestamptz',
  'true or false': 'boolean',
  'course or site': 'text',
  'recorded or estimated': 'text',
  'the four components': 'jsonb',
  flag: 'jsonb',
  'attention flag': 'jsonb',
  'reason flag': 'jsonb',
  'sorted names of flags': 'text[]',
};
