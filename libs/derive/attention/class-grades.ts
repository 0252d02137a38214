import { compareBytes } from '#libs/aggregate/grades.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { insertSorted, medianTimes2, removeSorted } from '../anomaly/sorted.ts';
import type { ClassMember } from './member.ts';
import type { ClassGradeStep } from './numbers.ts';

/** The fewest grades that make a class grade. */
const LEAST_GRADES = 5;

interface Change {
  readonly from: LocalDay;
  readonly before: number | null;
  readonly after: number | null;
}

/** The median grade of each item on the days on which it changes, from the grades as of the day before; up to `asOf`. */
export function classGrades(members: readonly ClassMember[], asOf: LocalDay): ClassGradeStep[] {
  const steps: ClassGradeStep[] = [];
  for (const [item, changes] of changesByItem(members)) {
    const sorted: number[] = [];
    let known: number | null = null;
    for (let at = 0; at < changes.length; ) {
      const from = (changes[at]?.from ?? asOf) + 1;
      if (from > asOf) break;
      for (; (changes[at]?.from ?? asOf) < from; at += 1) apply(sorted, changes[at]);
      const grade = sorted.length < LEAST_GRADES ? null : medianTimes2(sorted);
      if (grade !== known) steps.push({ from, item, grade });
      known = grade;
    }
  }
  return steps.sort((a, b) => a.from - b.from || compareBytes(a.item, b.item));
}

function apply(sorted: number[], change: Change | undefined): void {
  if (change === undefined) return;
  if (change.before !== null) removeSorted(sorted, change.before);
  if (change.after !== null) insertSorted(sorted, change.after);
}

function changesByItem(members: readonly ClassMember[]): Map<string, Change[]> {
  const items = new Map<string, Change[]>();
  for (const { grades } of members) {
    const held = new Map<string, number | null>();
    for (const { from, item, grade } of grades) {
      const before = held.get(item) ?? null;
      if (before === grade) continue;
      held.set(item, grade);
      const changes = items.get(item);
      if (changes === undefined) items.set(item, [{ from, before, after: grade }]);
      else changes.push({ from, before, after: grade });
    }
  }
  for (const changes of items.values()) changes.sort((a, b) => a.from - b.from);
  return items;
}
