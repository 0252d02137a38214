import type { LocalDay } from './local-date.ts';

/** `reconcile` compares with the source and repairs; `backfill` recomputes a range of days. */
export const RUN_MODES = ['reconcile', 'backfill'] as const;
export type RunMode = (typeof RUN_MODES)[number];

export const RUN_STATUSES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** Who requested a run. */
export const RUN_ORIGINS = ['schedule', 'api', 'command'] as const;
export type RunOrigin = (typeof RUN_ORIGINS)[number];

/** True for a run whose status is final. */
export const hasEnded = (status: RunStatus): boolean => status !== 'queued' && status !== 'running';

/** What a run works on, both days inclusive; absent members do not limit it. */
export interface RunScope {
  readonly from?: LocalDay;
  readonly to?: LocalDay;
  readonly courseId?: number;
  readonly studentId?: number;
}

/** What is shown about a run while it runs. */
export interface RunProgress {
  /** A few words for people: `comparing activity_logs`. */
  readonly phase: string;
  readonly done: number;
  /** Null: not known yet. In the unit of `done`. */
  readonly total: number | null;
}

/**
 * How many things were compared, with what result. `equal`, `mismatched`, `missing` (the source has it, we do not) and
 * `extra` (we have it, the source does not) exclude each other; `repaired` counts those of the last three that were fixed.
 */
export interface Tally {
  readonly equal: number;
  readonly mismatched: number;
  readonly missing: number;
  readonly extra: number;
  readonly repaired: number;
}

/** One difference, as an example of its kind. */
export interface Difference {
  /** A key of the verdict's `tables` or `features`. */
  readonly where: string;
  /** A key of the verdict's `kinds`. */
  readonly kind: string;
  /** Which row: the source's id, or `student_id/course_id` and the day, if there is one. */
  readonly key: string;
  /** What it has to be according to the reconcile, as text; null: nothing. */
  readonly expected: string | null;
  /** What was stored, as text; null: nothing. */
  readonly found: string | null;
  readonly repaired: boolean;
}

/** What a run found. Plain JSON: it is stored and served as it is. */
export interface Verdict {
  /** Rows, by source table: our images compared with the source. */
  readonly tables: Readonly<Record<string, Tally>>;
  /**
   * Values, by feature table and column (`engagement_features.login_count`): what is stored compared with what follows. Also
   * series, in days (`engagement_series.ma7`); the keys' evidence about their courses (`engagement_evidence.first_fact`);
   * courses (`course.as_of`); and what the topics have received (`outbox.engagement`, in rows).
   */
  readonly features: Readonly<Record<string, Tally>>;
  /**
   * How many differences of each kind: `row missed`, `row extra`, `value differs`, `stale coverage`, `stale as-of`,
   * `outbox row lost`, `not derivable`. A row that is missed or extra counts as one, however many columns it has.
   */
  readonly kinds: Readonly<Record<string, number>>;
  /** The first few. */
  readonly examples: readonly Difference[];
  /** What was left to the next run because it was changing, or waiting for its deriver, while it was compared. */
  readonly skipped: number;
}

export interface VerdictTotals {
  readonly equal: number;
  /** Mismatched, missing and extra together. */
  readonly different: number;
  readonly repaired: number;
  /** Different and not repaired. */
  readonly left: number;
}

/** A verdict in four numbers, rows and values together. */
export function totalsOf({ tables, features }: Verdict): VerdictTotals {
  const totals = { equal: 0, different: 0, repaired: 0, left: 0 };
  for (const tally of [...Object.values(tables), ...Object.values(features)]) {
    const different = tally.mismatched + tally.missing + tally.extra;
    totals.equal += tally.equal;
    totals.different += different;
    totals.repaired += tally.repaired;
    totals.left += Math.max(0, different - tally.repaired);
  }
  return totals;
}
