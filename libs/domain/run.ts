import type { LocalDay } from './local-date.ts';

/** `reconcile` compares with the source and repairs; `backfill` computes a range of days again. */
export const RUN_MODES = ['reconcile', 'backfill'] as const;
export type RunMode = (typeof RUN_MODES)[number];

export const RUN_STATUSES = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
export type RunStatus = (typeof RUN_STATUSES)[number];

/** Who asked for a run. */
export const RUN_ORIGINS = ['schedule', 'api', 'command'] as const;
export type RunOrigin = (typeof RUN_ORIGINS)[number];

/** True for a run that nothing more happens to. */
export const hasEnded = (status: RunStatus): boolean => status !== 'queued' && status !== 'running';

/** What a run works on, days and ids inclusive; what is absent does not narrow it. */
export interface RunScope {
  readonly from?: LocalDay;
  readonly to?: LocalDay;
  readonly courseId?: number;
  readonly studentId?: number;
}

/** What is shown of a run while it runs. */
export interface RunProgress {
  /** A few words for people: `comparing activity_logs`. */
  readonly phase: string;
  readonly done: number;
  /** Null: not known yet. In the unit of `done`. */
  readonly total: number | null;
}

/**
 * How many things were compared, and how that went. `equal`, `mismatched`, `missing` (the source has it, we do not) and
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
  /** Which row: the source's id, or `student_id/course_id` and the day where there is one. */
  readonly key: string;
  /** What the reconcile says it has to be, as text; null: nothing. */
  readonly expected: string | null;
  /** What was stored, as text; null: nothing. */
  readonly found: string | null;
  readonly repaired: boolean;
}

/** What a run found. Plain JSON: it is stored and served as it is. */
export interface Verdict {
  /** Rows, by source table: our images against the source. */
  readonly tables: Readonly<Record<string, Tally>>;
  /**
   * Values, by feature table and column (`engagement_features.login_count`): what is stored against what follows. The same
   * of series, in days (`engagement_series.ma7`); of what keys say of their courses (`engagement_evidence.first_fact`); of
   * courses (`course.as_of`); and of what the topics know (`outbox.engagement`, in rows).
   */
  readonly features: Readonly<Record<string, Tally>>;
  /**
   * How many differences of each kind: `row missed`, `row extra`, `value differs`, `stale coverage`, `stale as-of`,
   * `outbox row lost`. A row that is missed or extra is one, whatever its columns.
   */
  readonly kinds: Readonly<Record<string, number>>;
  /** The first few. */
  readonly examples: readonly Difference[];
  /** What was left out because it was changing, or waited for its deriver, while it was compared: the next run has it. */
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
