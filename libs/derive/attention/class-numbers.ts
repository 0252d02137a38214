import { compareBytes } from '#libs/aggregate/grades.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { WORK_SOURCES } from '#libs/domain/work-source.ts';
import type { ClassSettings } from '../settings.ts';
import { Attendance } from './attendance.ts';
import { classGrades } from './class-grades.ts';
import type { ClassMember } from './member.ts';
import type { ClassNumbers, ExpectedItem, SourceStep } from './numbers.ts';

/** What is known about the course. */
export interface ClassSpan {
  readonly firstFact: LocalDay | null;
  readonly asOf: LocalDay;
  /** The days from which the course covers submissions, and completion states of not done; null: it does not. */
  readonly submissionFrom: LocalDay | null;
  readonly notDoneFrom: LocalDay | null;
}

/** Computes the class numbers in one pass over the days. Null if there are no days: no fact, or none before as of. */
export function classNumbers(
  members: readonly ClassMember[],
  { firstFact, asOf, submissionFrom, notDoneFrom }: ClassSpan,
  { leastClass, expectedShare }: ClassSettings,
): ClassNumbers | null {
  if (firstFact === null || firstFact >= asOf) return null;
  const firstDay = firstFact + 1;
  const attendance = new Attendance(members);
  const attending: number[] = [];
  const usual: (number | null)[] = [];
  const expected: ExpectedItem[] = [];
  for (let day = firstDay; day <= asOf; day += 1) {
    attendance.moveTo(day);
    const { size } = attendance;
    attending.push(size);
    usual.push(size < leastClass ? null : attendance.usual());
    if (size < leastClass) continue;
    for (const { source, item } of attendance.takeHandedIn((count) => 100 * count >= expectedShare * size))
      expected.push({ source, item, from: day });
  }
  const firstGraded = firstGradedDay(members);
  return {
    firstDay,
    attending,
    usual,
    sources: sourceSteps([submissionFrom, firstGraded, notDoneFrom], asOf),
    expected: expected.sort(compareExpected),
    grades: classGrades(members, asOf),
  };
}

function firstGradedDay(members: readonly ClassMember[]): LocalDay | null {
  let first = Number.POSITIVE_INFINITY;
  for (const { grades } of members) {
    const step = grades.find(({ grade }) => grade !== null);
    if (step !== undefined) first = Math.min(first, step.from);
  }
  return Number.isFinite(first) ? first : null;
}

/** A source counts from the day after its first day, for as long as no preferred source does. */
function sourceSteps(firstDays: readonly (LocalDay | null)[], asOf: LocalDay): SourceStep[] {
  const steps: SourceStep[] = [];
  let before = Number.POSITIVE_INFINITY;
  WORK_SOURCES.forEach((source, index) => {
    const from = (firstDays[index] ?? Number.POSITIVE_INFINITY) + 1;
    if (from < before && from <= asOf) steps.unshift({ from, source });
    before = Math.min(before, from);
  });
  return steps;
}

const compareExpected = (a: ExpectedItem, b: ExpectedItem): number =>
  a.from - b.from || WORK_SOURCES.indexOf(a.source) - WORK_SOURCES.indexOf(b.source) || compareBytes(a.item, b.item);

/** Only the numbers of the days up to `day`. */
export function classUntil(numbers: ClassNumbers | null, day: LocalDay): ClassNumbers | null {
  if (numbers === null || numbers.firstDay > day) return null;
  const { firstDay } = numbers;
  const days = day - firstDay + 1;
  const isBefore = ({ from }: { readonly from: LocalDay }): boolean => from <= day;
  return {
    firstDay,
    attending: numbers.attending.slice(0, days),
    usual: numbers.usual.slice(0, days),
    sources: numbers.sources.filter(isBefore),
    expected: numbers.expected.filter(isBefore),
    grades: numbers.grades.filter(isBefore),
  };
}

export const lastClassDay = ({ firstDay, usual }: ClassNumbers): LocalDay => firstDay + usual.length - 1;
