import { compareBytes } from '#libs/aggregate/grades.ts';
import type { LocalDay } from '#libs/domain/local-date.ts';
import type { WorkSource } from '#libs/domain/work-source.ts';
import { type AttentionKey, isJudged, type ReasonDays, RunningSums } from './key.ts';
import type { ClassNumbers, ExpectedItem } from './numbers.ts';

/** Work that became expected within this many days, including the day itself, is recent. */
const RECENT_DAYS = 28;
/** A student whose first day is less than this many days before an item became expected, or later, does not owe it. */
const DAYS_TO_JOIN = 7;
const MOST_NAMES = 5;

/** What missing_work is judged by on one day. */
export interface OwedWork {
  readonly recent: number;
  readonly recentMissing: number;
  readonly earlier: number;
  readonly earlierMissing: number;
}

export function owedWork(key: AttentionKey): ReasonDays<OwedWork> {
  const { firstDay, asOf, numbers } = key;
  const days = asOf - firstDay + 1;
  const sums = (): RunningSums => new RunningSums(firstDay, days);
  const [recent, recentMissing, earlier, earlierMissing] = [sums(), sums(), sums(), sums()];
  for (const { from, to, item } of owedItems(key)) {
    const handedInOn = handedInDay(key, item) ?? Number.POSITIVE_INFINITY;
    const turns = item.from + RECENT_DAYS;
    recent.add(from, Math.min(to, turns - 1), 1);
    earlier.add(Math.max(from, turns), to, 1);
    recentMissing.add(from, Math.min(to, turns - 1, handedInOn - 1), 1);
    earlierMissing.add(Math.max(from, turns), Math.min(to, handedInOn - 1), 1);
  }
  const [ofRecent, ofRecentMissing] = [recent.values(), recentMissing.values()];
  const [ofEarlier, ofEarlierMissing] = [earlier.values(), earlierMissing.values()];
  const on = (index: number): OwedWork => ({
    recent: ofRecent[index] ?? 0,
    recentMissing: ofRecentMissing[index] ?? 0,
    earlier: ofEarlier[index] ?? 0,
    earlierMissing: ofEarlierMissing[index] ?? 0,
  });
  const points: (number | null)[] = [];
  for (let index = 0; index < days; index += 1) {
    const isOwing = (ofRecent[index] ?? 0) + (ofEarlier[index] ?? 0) > 0;
    points.push(isOwing && isJudged(numbers, firstDay + index) ? pointsOf(on(index)) : null);
  }
  return { points, on };
}

function pointsOf({ recent, recentMissing, earlier, earlierMissing }: OwedWork): number {
  const ofRecent = recentMissing === 0 ? 0 : 2 * recentMissing >= recent ? 2 : 4 * recentMissing >= recent ? 1 : 0;
  return ofRecent + (earlierMissing > 0 && 2 * earlierMissing >= earlier ? 1 : 0);
}

/** The first and last day on which an item of the source then in use is owed. */
interface Owed {
  readonly item: ExpectedItem;
  readonly from: LocalDay;
  readonly to: LocalDay;
}

function owedItems({ firstDay, asOf, numbers }: AttentionKey): Owed[] {
  return (numbers?.sources ?? []).flatMap(({ source, from }, index) => {
    const to = (numbers?.sources[index + 1]?.from ?? asOf + 1) - 1;
    return (numbers?.expected ?? [])
      .filter((item) => item.source === source && firstDay <= item.from - DAYS_TO_JOIN)
      .map((item) => ({ item, from: Math.max(from, item.from), to }));
  });
}

const handedInDay = ({ handedIn }: AttentionKey, { source, item }: ExpectedItem): LocalDay | undefined =>
  handedIn.get(`${source} ${item}`);

export const sourceOn = (numbers: ClassNumbers | null, day: LocalDay): WorkSource | null =>
  numbers?.sources.findLast(({ from }) => from <= day)?.source ?? null;

/** What is owed on a day, most recently expected first, and when it was handed in; null: not by then. */
export const owedOn = (
  key: AttentionKey,
  day: LocalDay,
): { readonly item: ExpectedItem; readonly handedIn: LocalDay | null }[] =>
  owedItems(key)
    .filter(({ from, to }) => from <= day && day <= to)
    .sort((a, b) => b.item.from - a.item.from || compareBytes(a.item.item, b.item.item))
    .map(({ item }) => {
      const handedIn = handedInDay(key, item) ?? Number.POSITIVE_INFINITY;
      return { item, handedIn: handedIn > day ? null : handedIn };
    });

/** Names of what is owed and missing on a day, most recently expected first. */
export const missingNames = (key: AttentionKey, day: LocalDay): string[] =>
  owedOn(key, day)
    .filter(({ handedIn }) => handedIn === null)
    .slice(0, MOST_NAMES)
    .map(({ item }) => item.item);
