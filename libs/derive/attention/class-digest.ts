import { createHash } from 'node:crypto';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { activeDaysOf } from '../activity-days.ts';
import type { GradeChange } from '../anomaly/graded.ts';
import type { EngagementDays } from '../engagement-series.ts';

/** Something that a class follows from. */
export interface ClassFact {
  readonly day: LocalDay;
  readonly text: string;
}

/**
 * What a class follows from of one key, without being it: what is dated before `day`, and all of it. A class counts what is
 * dated before today alone; on a later day the rest counts, too.
 */
export interface ClassDigest {
  /** The day that was today. */
  readonly day: LocalDay;
  readonly before: bigint;
  readonly all: bigint;
}

/** What was done on the days of a series, and handed in. */
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

/** @param facts in an order that follows from them */
export function classDigest(facts: readonly ClassFact[], today: LocalDay): ClassDigest {
  // As JSON has it, since many of the texts are empty.
  const written = facts.map(({ day, text }) => `[${day},${text === '' ? '""' : JSON.stringify(text)}]`);
  const all = digestOf(written);
  const isBefore = facts.map(({ day }) => day < today);
  const before = written.filter((_, index) => isBefore[index]);
  return { day: today, before: before.length === written.length ? all : digestOf(before), all };
}

const digestOf = (written: readonly string[]): bigint =>
  written.length === 0 ? 0n : createHash('sha1').update(`[${written.join()}]`).digest().readBigInt64BE(0);

/** Whether what is dated before today is another than the class has counted. @param before as it was stored; null: nothing was */
export function movesClass(before: ClassDigest | null, now: ClassDigest): boolean {
  if (before === null) return now.before !== 0n;
  return now.before !== (now.day > before.day ? before.all : before.before);
}
