import type { LocalMillis } from '#libs/domain/change.ts';
import { daysToDeadline } from './behaviour.ts';
import { workOf } from './catalogue.ts';
import type { LiveKey } from './live-state.ts';
import { HOUR, startOfDay } from './local-time.ts';
import { conductOf, paceOf, STORIES } from './stories/index.ts';

/** The database does not say how eager students are, so all have the same eagerness here. */
const EAGERNESS = 0.4;

/** How likely a student is to do something in a course now, 0 to 1: the living campus follows the stories, too. */
export function presenceOf({ line, course }: LiveKey, now: LocalMillis): number {
  const day = startOfDay(now);
  const work = workOf(course.definition, course.startsAt, Math.max(now, course.startsAt));
  const { presence, hours } = conductOf(line, { day, daysToDeadline: daysToDeadline(work, day), mood: 0 });
  const usual = hours.reduce((sum, weight) => sum + weight, 0) / hours.length;
  const awake = Math.min(1, (hours[Math.floor((now - day) / HOUR)] ?? 0) / usual);
  return Math.min(1, paceOf(line?.story ?? null, EAGERNESS) * presence) * awake;
}

/** Whether the student ever writes in the forum. */
export const talks = ({ line }: LiveKey, now: LocalMillis): boolean =>
  conductOf(line, { day: startOfDay(now), daysToDeadline: 0, mood: 0 }).talks;

/** Whether the student hands nothing in before it is due. */
export const dawdles = ({ line }: LiveKey): boolean => line !== null && STORIES[line.story].dawdles;
