import { type Event, laterDue } from '#libs/aggregate/events.ts';
import type { Instant } from '#libs/domain/zone.ts';

export interface Submissions {
  /** Distinct resources submitted. */
  readonly resources: number;
  /** Resources whose deciding submission has a due date. */
  readonly withDueDate: number;
  /** Those of them handed in strictly after it. */
  readonly late: number;
}

/** When a resource was last handed in, and when it was due. */
export interface DecidingSubmission {
  readonly at: Instant;
  readonly dueAt: Instant | null;
}

/**
 * For each resource the latest submission decides, by its own due date; if several have that time, by the latest due date.
 * Submissions that name no resource do not count.
 */
export function decidingSubmissions(events: readonly Event[]): ReadonlyMap<string, DecidingSubmission> {
  const deciding = new Map<string, DecidingSubmission>();
  for (const { type, resource, at, dueAt } of events) {
    if (type !== 'submission' || resource === null) continue;
    const known = deciding.get(resource);
    if (known === undefined || at > known.at) deciding.set(resource, { at, dueAt });
    else if (at === known.at) deciding.set(resource, { at, dueAt: laterDue(known.dueAt, dueAt) });
  }
  return deciding;
}

export function submissionsOf(events: readonly Event[]): Submissions {
  const deciding = decidingSubmissions(events);
  let [withDueDate, late] = [0, 0];
  for (const { at, dueAt } of deciding.values()) {
    if (dueAt === null) continue;
    withDueDate += 1;
    if (at > dueAt) late += 1;
  }
  return { resources: deciding.size, withDueDate, late };
}
