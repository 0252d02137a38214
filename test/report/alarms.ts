import { ATTENTION_REASONS, type FlagName, OWN_PAST_FLAGS } from '#libs/domain/flags.ts';
import type { Alarm, FlaggedDays } from './openings.ts';

/** Days since the last active one; all known days if there was none. */
export function idleDays({ firstDay, activeDays }: FlaggedDays, index: number): number {
  let [low, high] = [0, activeDays.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((activeDays[middle] ?? 0) <= firstDay + index) low = middle + 1;
    else high = middle;
  }
  const last = activeDays[low - 1];
  return last === undefined ? index + 1 : firstDay + index - last;
}

const flag = (name: FlagName): Alarm => ({
  name,
  isOpen: ({ flags }, index) => flags[index]?.includes(name) === true,
});

export const attention: Alarm = {
  name: 'attention',
  isOpen: ({ since }, index) => (since[index] ?? null) !== null,
  // Reopening within a fortnight continues the earlier opening.
  opens: ({ since }, index) => since[index] === index,
};

const noActivity = (days: number): Alarm => ({
  name: `no activity ${days} days`,
  isOpen: (flagged, index) => idleDays(flagged, index) >= days,
});

/** The alarm, its reasons, the facts about a student's own past, and the simplest possible rule. */
export const ALARMS: readonly Alarm[] = [
  attention,
  ...[...ATTENTION_REASONS, ...OWN_PAST_FLAGS].map(flag),
  noActivity(7),
  noActivity(14),
];

/** The order of the attention list. */
export const attentionScore = (days: FlaggedDays, index: number): number =>
  attention.isOpen(days, index) ? 1_000 * (days.points[index] ?? 0) + Math.min(idleDays(days, index), 999) : 0;
