import type { LocalDay } from '#libs/domain/local-date.ts';

/** A course stops here when it has ended or its connector has died: every window of features then still holds a fact. */
export const DAYS_AFTER_LAST_FACT = 6;

/** The day a course's features speak for. */
export const courseAsOf = (lastFact: LocalDay | null, today: LocalDay): LocalDay =>
  lastFact === null ? today : Math.min(today, lastFact + DAYS_AFTER_LAST_FACT);
