import type { LocalMillis } from '#libs/domain/change.ts';
import type { WorkItem } from './catalogue.ts';
import { DAY, HOUR, MINUTE, SECOND, startOfDay } from './local-time.ts';
import type { Random } from './random.ts';
import type { Conduct } from './stories/story.ts';

/** The figures below are tuned to the first ten weeks of two real courses (test/campus/shape.test.ts). */
const MOST_VISITS = 8;
const MOST_VIEWS = 20;
const ONE_MORE_VIEW = 0.4;

/** The highest chance of a visit on a day: nobody comes every day, however eager. */
const SUREST = 0.97;

/** How often somebody comes on a day: mostly not at all, otherwise once, rarely many times. */
export function visitsOn(conduct: Conduct, pace: number, random: Random): number {
  if (!random.chance(Math.min(SUREST, pace * conduct.presence))) return 0;
  let visits = 1;
  while (visits < MOST_VISITS && random.chance(conduct.oneMore)) visits += 1;
  return visits;
}

/** How many pages are looked at in one visit. */
export function viewsIn(random: Random): number {
  let views = random.int(2, 4);
  while (views < MOST_VIEWS && random.chance(ONE_MORE_VIEW)) views += 1;
  return views;
}

/** A moment of a day at which somebody of this conduct does something. */
export const momentOf = (conduct: Conduct, day: LocalMillis, random: Random): LocalMillis =>
  day + random.weighted(conduct.hours) * HOUR + random.int(0, HOUR - 1);

/** How long somebody stays on a page: mostly minutes, rarely long. */
export const stay = (random: Random): number =>
  Math.round(20 * SECOND + 6 * MINUTE * random.next() ** 2 + (random.chance(0.1) ? 14 * MINUTE * random.next() : 0));

/** Whole days from a day to the next one on which an assignment is due; two weeks if there is none. */
export function daysToDeadline(work: readonly WorkItem[], day: LocalMillis): number {
  const next = work.find((item) => item.kind === 'assignment' && item.dueAt >= day);
  return next === undefined ? 14 : (startOfDay(next.dueAt) - day) / DAY;
}

/** A mark for one item, in steps of 0.25 and never 0: a 0 means "not graded yet" in this LMS. */
export function markFor(ability: number, max: number, random: Random): number {
  const share = Math.min(1, Math.max(0.05, ability + 0.1 * random.normal()));
  return Math.max(0.25, Math.round(share * max * 4) / 4);
}
