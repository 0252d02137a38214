import type { LocalDay } from '#libs/domain/local-date.ts';
import { type AttentionKey, isJudged, type ReasonDays, RunningSums } from './key.ts';

/** Grades are in half hundredths of a percent, so that the mean of two grades in hundredths is a whole number. */
export const PER_POINT = 200;
/** The average difference from the class, in points, from which marks are low or very low. */
export const LOW = -10;
export const VERY_LOW = -20;

/** What low_marks is judged by on one day. */
export interface Marks {
  /** Own grade minus class grade, summed over the items that have both; in half hundredths. */
  readonly difference: number;
  readonly graded: number;
}

export function marks(key: AttentionKey): ReasonDays<Marks> {
  const { firstDay, asOf, numbers } = key;
  const days = asOf - firstDay + 1;
  const [differences, counts] = [new RunningSums(firstDay, days), new RunningSums(firstDay, days)];
  for (const { from, to, difference } of comparedGrades(key)) {
    differences.add(from, to, difference);
    counts.add(from, to, 1);
  }
  const [ofDifferences, graded] = [differences.values(), counts.values()];
  const on = (index: number): Marks => ({ difference: ofDifferences[index] ?? 0, graded: graded[index] ?? 0 });
  const points: (number | null)[] = [];
  for (let index = 0; index < days; index += 1) {
    const isKnown = (graded[index] ?? 0) > 0 && isJudged(numbers, firstDay + index);
    points.push(isKnown ? pointsOf(on(index)) : null);
  }
  return { points, on };
}

function pointsOf({ difference, graded }: Marks): number {
  if (difference <= VERY_LOW * PER_POINT * graded) return 2;
  return difference <= LOW * PER_POINT * graded ? 1 : 0;
}

interface Compared {
  readonly from: LocalDay;
  readonly to: LocalDay;
  readonly difference: number;
}

/** For each item, the runs of days on which own grade and class grade both exist and do not change. */
function comparedGrades({ grades, numbers, asOf }: AttentionKey): Compared[] {
  const items = new Map<string, Step[]>();
  const add = (item: string, step: Step): void => {
    const steps = items.get(item);
    if (steps === undefined) items.set(item, [step]);
    else steps.push(step);
  };
  for (const { item, from, grade } of grades) add(item, { from, own: grade === null ? null : 2 * grade });
  // Only the key's own graded items need a comparison.
  for (const { item, from, grade } of numbers?.grades ?? []) if (items.has(item)) add(item, { from, ofClass: grade });
  return [...items.values()].flatMap((steps) => comparedOf(steps, asOf));
}

interface Step {
  readonly from: LocalDay;
  readonly own?: number | null;
  readonly ofClass?: number | null;
}

function comparedOf(steps: Step[], asOf: LocalDay): Compared[] {
  let own: number | null = null;
  let ofClass: number | null = null;
  const runs: Compared[] = [];
  steps
    .sort((a, b) => a.from - b.from)
    .forEach((step, index) => {
      if (step.own !== undefined) own = step.own;
      if (step.ofClass !== undefined) ofClass = step.ofClass;
      const to = (steps[index + 1]?.from ?? asOf + 1) - 1;
      if (own !== null && ofClass !== null && step.from <= to)
        runs.push({ from: step.from, to, difference: own - ofClass });
    });
  return runs;
}
