import type { GradeObservation } from '#libs/clean/grades.ts';
import { earlierDay, type LocalDay, laterDay } from '#libs/domain/local-date.ts';
import type { Instant } from '#libs/domain/zone.ts';
import { NO_FIRST_DAYS } from './coverage.ts';
import type { KeyEvidence } from './evidence.ts';

/** The grade a student holds for one item of a course. */
export interface GradeFact {
  readonly item: string;
  /** Times 10^5; null: not graded yet. */
  readonly value: bigint | null;
  /** Times 10^5, above 0. */
  readonly max: bigint;
  /** When this value and max were first written: a repeated row does not grade again. */
  readonly gradedAt: Instant;
  readonly day: LocalDay;
}

/** Facts as of `asOf`, in order of (gradedAt, item by UTF-8 bytes). */
export function gradeFacts(grades: readonly GradeObservation[], asOf: LocalDay): GradeFact[] {
  const facts: GradeFact[] = [];
  for (const rows of byItem(grades, asOf).values()) {
    const holding = rows.at(-1);
    if (holding === undefined) continue;
    const first = earliestEqual(grades, holding, asOf);
    facts.push({ item: holding.item, value: holding.value, max: holding.max, gradedAt: first.at, day: first.day });
  }
  return facts.sort(compareFacts);
}

/** Order of (gradedAt, item by UTF-8 bytes). */
export const compareFacts = (
  a: Pick<GradeFact, 'gradedAt' | 'item'>,
  b: Pick<GradeFact, 'gradedAt' | 'item'>,
): number => a.gradedAt - b.gradedAt || compareBytes(a.item, b.item);

/** Order of names: by their UTF-8 bytes. */
export const compareBytes = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** What the rows dated on or before `today` say; facts are rows that change the value or max of their item. */
export function gradeEvidence(grades: readonly GradeObservation[], today: LocalDay): KeyEvidence {
  let firstFact: LocalDay | null = null;
  let lastFact: LocalDay | null = null;
  for (const rows of byItem(grades, today).values()) {
    let before: GradeObservation | undefined;
    for (const row of rows) {
      if (before === undefined || !isSameGrade(before, row)) {
        firstFact = earlierDay(firstFact, row.day);
        lastFact = laterDay(lastFact, row.day);
      }
      before = row;
    }
  }
  let firstDay: LocalDay | null = null;
  let nextDay: LocalDay | null = null;
  for (const { day } of grades) {
    if (day <= today) firstDay = earlierDay(firstDay, day);
    else nextDay = earlierDay(nextDay, day);
  }
  return { firstDays: NO_FIRST_DAYS, firstFact, lastFact, firstDay, nextDay };
}

/** Per item, the row that holds at each time, in order of time. */
function byItem(grades: readonly GradeObservation[], asOf: LocalDay): Map<string, GradeObservation[]> {
  const items = new Map<string, Map<Instant, GradeObservation>>();
  for (const row of grades) {
    if (row.day > asOf) continue;
    const times = items.get(row.item) ?? new Map<Instant, GradeObservation>();
    items.set(row.item, times);
    const known = times.get(row.at);
    if (known === undefined || compareGrades(row, known) > 0) times.set(row.at, row);
  }
  return new Map([...items].map(([item, times]) => [item, [...times.values()].sort((a, b) => a.at - b.at)]));
}

/** Greater value, then greater max; null least. */
function compareGrades(a: GradeObservation, b: GradeObservation): number {
  const byValue = compareNullable(a.value, b.value);
  return byValue !== 0 ? byValue : compareNullable(a.max, b.max);
}

function compareNullable(a: bigint | null, b: bigint | null): number {
  if (a === b) return 0;
  if (a === null) return -1;
  if (b === null) return 1;
  return a < b ? -1 : 1;
}

const isSameGrade = (a: GradeObservation, b: GradeObservation): boolean => a.value === b.value && a.max === b.max;

/** Over all rows of the item, also one that another row of its time outranks. */
function earliestEqual(
  grades: readonly GradeObservation[],
  holding: GradeObservation,
  asOf: LocalDay,
): GradeObservation {
  let first = holding;
  for (const row of grades) {
    if (row.item === holding.item && isSameGrade(row, holding) && row.day <= asOf && row.at < first.at) first = row;
  }
  return first;
}
