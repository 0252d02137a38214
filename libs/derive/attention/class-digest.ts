import { createHash } from 'node:crypto';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { activeDaysOf } from '../activity-days.ts';
import type { GradeChange } from '../anomaly/graded.ts';
import type { EngagementDays } from '../engagement-series.ts';

/** A fact that a class depends on. */
export interface ClassFact {
  readonly day: LocalDay;
  readonly text: string;
}

/**
 * Digests of the facts of one key that a class depends on: of those dated before `day`, and of all. A class counts only
 * what is dated before today; on a later day the rest counts, too.
 */
export interface ClassDigest {
  /** The day that was today. */
  readonly day: LocalDay;
  readonly before: bigint;
  readonly all: bigint;
}

/** A series' active days, and the work that was handed in. */
export function factsOfActivity({
  firstDay,
  active,
  handed_in,
}: Pick<EngagementDays, 'firstDay' | 'active' | 'handed_in'>): ClassFact[] {
  const days = activeDaysOf(active, firstDay).map((day) => ({ day, text: '' }));
  return [...days, ...handed_in.map(({ source, item, day }) => ({ day, text: `${source} ${item}` }))];
}

export const factsOfGrades = (changes: readonly GradeChange[]): ClassFact[] =>
  changes.map(({ from, item, grade }) => ({ day: from, text: `${grade?.points}/${grade?.max} ${item}` }));

/** @param facts in an order determined by the facts themselves */
export function classDigest(facts: readonly ClassFact[], today: LocalDay): ClassDigest {
  // Written as JSON would be, with a shortcut for empty texts, since there are many.
  const written = facts.map(({ day, text }) => `[${day},${text === '' ? '""' : JSON.stringify(text)}]`);
  const all = digestOf(written);
  const isBefore = facts.map(({ day }) => day < today);
  const before = written.filter((_, index) => isBefore[index]);
  return { day: today, before: before.length === written.length ? all : digestOf(before), all };
}

const digestOf = (written: readonly string[]): bigint =>
  written.length === 0 ? 0n : createHash('sha1').update(`[${written.join()}]`).digest().readBigInt64BE(0);

/** Whether the facts dated before today differ from those the class has counted. @param before as stored; null: nothing was */
export function movesClass(before: ClassDigest | null, now: ClassDigest): boolean {
  if (before === null) return now.before !== 0n;
  return now.before !== (now.day > before.day ? before.all : before.before);
}
