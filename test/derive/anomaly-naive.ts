import { gradeFacts } from '#libs/aggregate/grades.ts';
import type { GradeObservation } from '#libs/clean/grades.ts';
import type { AnomalyKey } from '#libs/derive/anomaly/anomaly-series.ts';
import { gradesOf } from '#libs/derive/performance.ts';
import type { DerivingSettings } from '#libs/derive/settings.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';

/**
 * The rules again, computing each day only from what is dated on or before it, in fractions and with whole windows:
 * slow, and in everything but the definitions unlike what it checks.
 */
class Fraction {
  static of = (n: number | bigint, d: number | bigint = 1): Fraction => new Fraction(BigInt(n), BigInt(d));
  readonly n: bigint;
  readonly d: bigint;
  constructor(n: bigint, d: bigint) {
    let [a, b] = [n < 0n ? -n : n, d < 0n ? -d : d];
    while (b !== 0n) [a, b] = [b, a % b];
    const sign = d < 0n ? -1n : 1n;
    this.n = (sign * n) / (a || 1n);
    this.d = (sign * d) / (a || 1n);
  }
  plus = (o: Fraction): Fraction => new Fraction(this.n * o.d + o.n * this.d, this.d * o.d);
  minus = (o: Fraction): Fraction => new Fraction(this.n * o.d - o.n * this.d, this.d * o.d);
  times = (o: Fraction): Fraction => new Fraction(this.n * o.n, this.d * o.d);
  over = (o: Fraction): Fraction => new Fraction(this.n * o.d, this.d * o.n);
  abs = (): Fraction => new Fraction(this.n < 0n ? -this.n : this.n, this.d);
  above = (o: Fraction): boolean => this.n * o.d > o.n * this.d;
  atLeast = (o: Fraction): boolean => !o.above(this);
}
const f = Fraction.of;
const ZERO = f(0);
const sum = (values: readonly Fraction[]): Fraction => values.reduce((total, value) => total.plus(value), ZERO);
const mean = (values: readonly Fraction[]): Fraction => sum(values).over(f(values.length));
const larger = (a: Fraction, b: Fraction): Fraction => (a.above(b) ? a : b);
const inOrder = (values: readonly Fraction[]): Fraction[] =>
  [...values].sort((a, b) => (a.above(b) ? 1 : b.above(a) ? -1 : 0));

function quantile(values: readonly Fraction[], p: Fraction): Fraction {
  const sorted = inOrder(values);
  const place = f(sorted.length - 1).times(p);
  const whole = place.n / place.d;
  const below = sorted[Number(whole)] ?? ZERO;
  const above = sorted[Number(whole) + 1] ?? below;
  return below.plus(above.minus(below).times(place.minus(f(whole))));
}
const median = (values: readonly Fraction[]): Fraction => quantile(values, f(1, 2));

function sideOf(others: readonly Fraction[], x: Fraction, threshold: Fraction): 'drop' | 'spike' | null {
  const middle = median(others);
  const deviations = others.map((value) => value.minus(middle).abs());
  const mad = median(deviations);
  const sigma = mad.above(ZERO) ? mad.over(f(6745, 10_000)) : mean(deviations).times(f(1_253_314, 1_000_000));
  if (
    !x
      .minus(middle)
      .abs()
      .atLeast(larger(threshold.times(sigma), f(10)))
  )
    return null;
  return x.above(middle) ? 'spike' : 'drop';
}

/** The reference takes rows instead of graded items. */
export interface NaiveKey extends Omit<AnomalyKey, 'graded' | 'handedIn' | 'grades' | 'numbers'> {
  readonly rows: readonly GradeObservation[];
}

/** Names of the flags open as of a day of the key, in order. */
export function naiveFlags(key: NaiveKey, day: LocalDay, threshold: bigint, settings: DerivingSettings): string[] {
  const limit = f(threshold, 1_000_000);
  return [
    ...naiveUsual(key, day, limit),
    ...(naiveIdle(key, day) ? ['inactivity'] : []),
    ...naiveGrades(key.rows, day, limit, settings),
  ].sort();
}

const valueOn = (values: readonly (number | null)[], { firstDay }: NaiveKey, day: LocalDay): Fraction | null => {
  const value = values[day - (firstDay ?? 0)] ?? null;
  return value === null ? null : f(value, 100);
};
/** A range of days, given as distances before the given day. */
const window = (day: LocalDay, from: number, to: number): LocalDay[] =>
  Array.from({ length: from - to + 1 }, (_, n) => day - from + n);

function naiveUsual(key: NaiveKey, day: LocalDay, threshold: Fraction): string[] {
  const days = window(day, 34, 7).filter((at) => valueOn(key.ma7, key, at) !== null);
  const active = days.filter((at) => valueOn(key.score, key, at)?.above(ZERO));
  const x = valueOn(key.ma7, key, day);
  if (x === null || days.length < 14 || active.length < 4) return [];
  const side = sideOf(
    days.map((at) => valueOn(key.ma7, key, at) ?? ZERO),
    x,
    threshold,
  );
  return side === null ? [] : [`engagement_${side}`];
}

function naiveIdle(key: NaiveKey, day: LocalDay): boolean {
  const active = key.activeDays.filter((at) => at <= day);
  const isEnrolled = key.enrolledDay !== null && (key.enrolledDay <= day || day === key.asOf);
  const isBegun = key.courseFirstEvent !== null && key.courseFirstEvent <= day;
  const start = active.length > 0 ? Math.max(...active) : null;
  const from = start ?? (isEnrolled && isBegun ? Math.max(key.enrolledDay ?? 0, key.courseFirstEvent ?? 0) : null);
  if (from === null) return false;
  const differences = active.slice(1).map((at, index) => f(at - (active[index] ?? at)));
  const limit = active.length >= 3 ? larger(f(7), f(3).times(median(differences))) : f(14);
  return f(day - from).above(limit) && day - from <= 60;
}

function naiveGrades(
  rows: readonly GradeObservation[],
  day: LocalDay,
  threshold: Fraction,
  settings: DerivingSettings,
): string[] {
  const items = gradesOf(gradeFacts(rows, day), settings);
  if (items.length < 5) return [];
  const values = items.map(({ points, max }) => f(100).times(f(points, max)));
  const isNews = items.map((graded) => graded.day > day - 30);
  const side = sideOf(values.slice(0, -1), values.at(-1) ?? ZERO, threshold);
  const [low, high] = [quantile(values, f(1, 4)), quantile(values, f(3, 4))];
  const margin = larger(high.minus(low).times(f(3, 2)), f(10));
  const beyond = values.some(
    (value, index) => isNews[index] && (low.minus(margin).above(value) || value.above(high.plus(margin))),
  );
  return [...(side !== null && isNews.at(-1) ? [`grade_${side}`] : []), ...(beyond ? ['grade_outlier'] : [])];
}
