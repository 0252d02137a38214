import type { ActivityObservation, CompletionObservation } from '#libs/clean/activity-logs.ts';
import type { CompletionState } from '#libs/clean/metadata.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { Instant } from '#libs/domain/zone.ts';
import type { FoldRules } from './folded-rows.ts';

/** A change of a resource from not done to done. */
export interface Reached {
  readonly at: Instant;
  readonly day: LocalDay;
}

/** What completion rows say about one student in one course. */
export interface Completions {
  readonly reached: readonly Reached[];
  /** Resources that are done now. */
  readonly done: number;
  /** Resources with any completion row. */
  readonly total: number;
  /** For each resource, the first day on which it was done, even if it was done before observation began. */
  readonly firstDone: ReadonlyMap<string, LocalDay>;
}

export const isDone = (state: CompletionState): boolean => state === 1 || state === 2;
/** Of rows at the same time, the highest ranked state counts: passed, done, failed, not done. */
const STATE_RANK: Readonly<Record<CompletionState, number>> = { 2: 3, 1: 2, 3: 1, 0: 0 };

/**
 * The state of each resource is that of its latest row. A completion is reached at each row that changes it from not done
 * to done; done rows without a not-done row before them were done before observation began, and are not activity.
 */
export function completionsOf(rows: readonly ActivityObservation[]): Completions {
  const reached: Reached[] = [];
  const firstDone = new Map<string, LocalDay>();
  let done = 0;
  const resources = statesByResource(rows);
  for (const states of resources) {
    let wasDone: boolean | undefined;
    for (const { state, at, day, resource } of states) {
      if (isDone(state) && !firstDone.has(resource)) firstDone.set(resource, day);
      if (isDone(state) && wasDone === false) reached.push({ at, day });
      wasDone = isDone(state);
    }
    if (wasDone === true) done += 1;
  }
  return { reached, done, total: resources.length, firstDone };
}

const rankOf = (row: ActivityObservation): number => (row.kind === 'completion' ? STATE_RANK[row.state] : 0);

/**
 * For each resource the latest completion row holds, and a row that repeats the state adds nothing. Identical rows of events
 * count once.
 */
export const ACTIVITY_RULES: FoldRules<ActivityObservation> = {
  subject: (row) => (row.kind === 'completion' ? `completion ${row.resource}` : JSON.stringify(row)),
  same: (a, b) => rankOf(a) === rankOf(b),
  compare: (a, b) => rankOf(a) - rankOf(b),
  at: (row) => row.at,
  day: (row) => row.day,
};

/** For each resource, the state that holds at each time, in order of time. */
export function statesByResource(rows: readonly ActivityObservation[]): CompletionObservation[][] {
  const byResource = new Map<string, Map<Instant, CompletionObservation>>();
  for (const row of rows) {
    if (row.kind !== 'completion') continue;
    const times = byResource.get(row.resource) ?? new Map<Instant, CompletionObservation>();
    byResource.set(row.resource, times);
    const known = times.get(row.at);
    if (known === undefined || STATE_RANK[row.state] > STATE_RANK[known.state]) times.set(row.at, row);
  }
  return [...byResource.values()].map((times) => [...times.values()].sort((a, b) => a.at - b.at));
}
