import type { GradeObservation } from '#libs/clean/grades.ts';
import { earlierDay, type LocalDay, laterDay } from '#libs/domain/local-date.ts';
import type { Instant } from '#libs/domain/zone.ts';
import { NO_FIRST_DAYS } from './coverage.ts';
import type { KeyEvidence } from './evidence.ts';
import type { FoldRules } from './folded-rows.ts';

/** The grade a student holds for one item of a course. */
export interface GradeFact {
  readonly item: string;
  /** Times 10^5; null: not graded yet. */
  readonly value: bigint | null;
  /** Times 10^5, above 0. */
  readonly max: bigint;
  /** When this value and max were first written: repeating a row is not grading again. */
  readonly gradedAt: Instant;
  readonly day: LocalDay;
}

/** Facts as of `asOf`, in order of (gradedAt, item by UTF-8 bytes). */
export function gradeFacts(grades: readonly GradeObservation[], asOf: LocalDay): GradeFact[] {
  const book = new GradeBook();
  for (const row of grades) if (row.day <= asOf) book.add(row);
  return book.facts();
}

/** The state of one item after the rows so far. */
interface Item {
  holding: GradeObservation;
  /** The earliest row with each value and max, even if another row at its time outranks it. */
  readonly earliest: Map<string, GradeObservation>;
}

/** A key's grades according to the rows added, in any order. Each row costs the same, however many there are. */
export class GradeBook {
  readonly #items = new Map<string, Item>();

  add(row: GradeObservation): void {
    const item = this.#items.get(row.item) ?? { holding: row, earliest: new Map() };
    this.#items.set(row.item, item);
    const later = row.at - item.holding.at || compareGrades(row, item.holding);
    if (later > 0) item.holding = row;
    const first = item.earliest.get(gradeName(row));
    if (first === undefined || row.at < first.at) item.earliest.set(gradeName(row), row);
  }

  fact(name: string): GradeFact | undefined {
    const item = this.#items.get(name);
    return item && toFact(item);
  }

  /** In order of (gradedAt, item by UTF-8 bytes). */
  facts(): GradeFact[] {
    return [...this.#items.values()].map(toFact).sort(compareFacts);
  }
}

const gradeName = ({ value, max }: GradeObservation): string => `${value}/${max}`;

function toFact({ holding, earliest }: Item): GradeFact {
  const { item, value, max } = holding;
  const first = earliest.get(gradeName(holding)) ?? holding;
  return { item, value, max, gradedAt: first.at, day: first.day };
}

/** The rows dated on or before `asOf`, grouped by day, ascending. */
export function gradesByDay(
  grades: readonly GradeObservation[],
  asOf: LocalDay,
): [day: LocalDay, rows: readonly GradeObservation[]][] {
  const days = new Map<LocalDay, GradeObservation[]>();
  for (const row of grades) {
    if (row.day > asOf) continue;
    const ofDay = days.get(row.day);
    if (ofDay === undefined) days.set(row.day, [row]);
    else ofDay.push(row);
  }
  return [...days].sort(([a], [b]) => a - b);
}

/** Order of (gradedAt, item by UTF-8 bytes). */
export const compareFacts = (
  a: Pick<GradeFact, 'gradedAt' | 'item'>,
  b: Pick<GradeFact, 'gradedAt' | 'item'>,
): number => a.gradedAt - b.gradedAt || compareBytes(a.item, b.item);

/** Order of names: by their UTF-8 bytes, which is that of their code points. */
export function compareBytes(a: string, b: string): number {
  let at = 0;
  while (at < a.length && a.charCodeAt(at) === b.charCodeAt(at)) at += 1;
  return (a.codePointAt(at) ?? -1) - (b.codePointAt(at) ?? -1);
}

/** The days of the rows, dated on or before `asOf`, that change the value or max of their item; in no particular order. */
export function gradeFactDays(grades: readonly GradeObservation[], asOf: LocalDay): LocalDay[] {
  const isNews = (row: GradeObservation, index: number, rows: readonly GradeObservation[]): boolean => {
    const before = rows[index - 1];
    return before === undefined || !isSameGrade(before, row);
  };
  return [...byItem(grades, asOf).values()].flatMap((rows) => rows.filter(isNews).map(({ day }) => day));
}

/** The evidence as of `today`; `nextDay` follows from later rows. */
export function gradeEvidence(grades: readonly GradeObservation[], today: LocalDay): KeyEvidence {
  let firstFact: LocalDay | null = null;
  let lastFact: LocalDay | null = null;
  for (const day of gradeFactDays(grades, today)) {
    firstFact = earlierDay(firstFact, day);
    lastFact = laterDay(lastFact, day);
  }
  let firstDay: LocalDay | null = null;
  let nextDay: LocalDay | null = null;
  for (const { day } of grades) {
    if (day <= today) firstDay = earlierDay(firstDay, day);
    else nextDay = earlierDay(nextDay, day);
  }
  return { firstDays: NO_FIRST_DAYS, firstFact, lastFact, firstDay, nextDay };
}

/** For each item, the row that holds at each time, in order of time. */
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

/** By value, then by max; null is the least. */
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

/** For each item the latest row holds, and a row that repeats its grade adds nothing. */
export const GRADE_RULES: FoldRules<GradeObservation> = {
  subject: (row) => row.item,
  same: isSameGrade,
  compare: compareGrades,
  at: (row) => row.at,
  day: (row) => row.day,
};

function isSameGrade(a: GradeObservation, b: GradeObservation): boolean {
  return a.value === b.value && a.max === b.max;
}
