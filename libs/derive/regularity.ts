import type { Event } from '#libs/aggregate/events.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import { roundRatio } from '#libs/domain/rational.ts';
import { type ActivityPattern, WEEKDAY_NAMES } from '#libs/features/units.ts';

/**
 * Measures of regularity from M. Shirvani Boroujeni, K. Sharma, Ł. Kidziński, L. Lucignano and P. Dillenbourg, "How to
 * quantify student's regularity?", EC-TEL 2016: PDH, PWD (peak on an hour, on a weekday), FDH, FWD (periodicity of the day,
 * of the week) and WS1 (similarity of weeks).
 */
const REGULARITY_DECIMALS = 6;

const HOURS = 24;
const WEEKDAYS = 7;

/** 0 Monday … 6 Sunday. 1970-01-01 was a Thursday. */
export const weekdayIndex = (day: LocalDay): number => (((day + 3) % WEEKDAYS) + WEEKDAYS) % WEEKDAYS;

/** The number of days with an event, by local hour. @param events in order of their days */
export function daysByHour(events: readonly Event[]): number[] {
  const counts = new Array<number>(HOURS).fill(0);
  let [today, seen] = [Number.NaN, 0];
  for (const { day, hour } of events) {
    if (day !== today) [today, seen] = [day, 0];
    if ((seen & (1 << hour)) !== 0) continue;
    seen |= 1 << hour;
    counts[hour] = (counts[hour] ?? 0) + 1;
  }
  return counts;
}

/** The number of days with an event, by weekday. @param events in order of their days */
export function daysByWeekday(events: readonly Event[]): number[] {
  const counts = new Array<number>(WEEKDAYS).fill(0);
  forEachDay(events, (day) => {
    counts[weekdayIndex(day)] = (counts[weekdayIndex(day)] ?? 0) + 1;
  });
  return counts;
}

function forEachDay(events: readonly Event[], work: (day: LocalDay) => void): void {
  let last = Number.NaN;
  for (const { day } of events) {
    if (day !== last) work(day);
    last = day;
  }
}

/** (log₂K − H)·max a, where H is the entropy of a/Σa in bits; null if all counts are 0. */
export function peakRegularity(counts: readonly number[]): string | null {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const entropy = counts.reduce(
    (sum, count) => (count === 0 ? sum : sum - (count / total) * Math.log2(count / total)),
    0,
  );
  return rounded((Math.log2(counts.length) - entropy) * Math.max(...counts));
}

/** Modulus of Σ a[k]·e^(−2πik/K): the strength of one cycle over the whole; null if all counts are 0. */
export function periodicity(counts: readonly number[]): string | null {
  if (counts.every((count) => count === 0)) return null;
  let [real, imaginary] = [0, 0];
  counts.forEach((count, k) => {
    const angle = (-2 * Math.PI * k) / counts.length;
    real += count * Math.cos(angle);
    imaginary += count * Math.sin(angle);
  });
  return rounded(Math.hypot(real, imaginary));
}

/** Without the sign that a rounding error may give to zero, since all of this is in floating point. */
const rounded = (value: number): string => Math.abs(value).toFixed(REGULARITY_DECIMALS);

/**
 * Mean over all pairs of ISO weeks, from that of the first event to that of the last, of the weekdays active in both
 * divided by the larger count; a week without events has similarity 0. Exact; null with fewer than two weeks with events.
 * @param events in order of their days
 */
export function weekSimilarity(events: readonly Event[]): string | null {
  const weeks = new Map<number, number>();
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  forEachDay(events, (day) => {
    const week = Math.floor((day + 3) / WEEKDAYS);
    weeks.set(week, (weeks.get(week) ?? 0) | (1 << weekdayIndex(day)));
    first = Math.min(first, week);
    last = Math.max(last, week);
  });
  if (weeks.size < 2) return null;
  const span = last - first + 1;
  // A week is one of 127 sets of weekdays: even over years there are far fewer pairs of sets than of weeks.
  const sets = new Map<number, number>();
  for (const set of weeks.values()) sets.set(set, (sets.get(set) ?? 0) + 1);
  let sum = 0;
  const list = [...sets];
  list.forEach(([a, times], index) => {
    sum += ((times * (times - 1)) / 2) * similarityTimes420(a, a);
    for (const [b, others] of list.slice(index + 1)) sum += times * others * similarityTimes420(a, b);
  });
  return roundRatio(BigInt(sum), 420n * BigInt((span * (span - 1)) / 2), REGULARITY_DECIMALS);
}

/** The least common multiple of 1 … 7 is 420, so every similarity is a whole number of 420ths. */
const similarityTimes420 = (a: number, b: number): number => (420 * bits(a & b)) / Math.max(bits(a), bits(b));

function bits(set: number): number {
  let count = 0;
  for (let rest = set; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}

/** Share of the events on each of the seven weekdays, 4 decimals; null without events. */
export function activityPattern(events: readonly Event[]): ActivityPattern | null {
  if (events.length === 0) return null;
  const counts = new Array<number>(WEEKDAYS).fill(0);
  for (const { day } of events) counts[weekdayIndex(day)] = (counts[weekdayIndex(day)] ?? 0) + 1;
  const share = (index: number): number => Number(roundRatio(BigInt(counts[index] ?? 0), BigInt(events.length), 4));
  return Object.fromEntries(WEEKDAY_NAMES.map((name, index) => [name, share(index)])) as ActivityPattern;
}
