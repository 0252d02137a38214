import { localWeekday } from '../local-time.ts';
import { hours, trait, usualDay } from './ordinary.ts';
import type { Story } from './story.ts';

const SAME_HOURS = hours({ 8: 2, 9: 9, 10: 8, 19: 6, 20: 6 }, 0.05);

/** Is there on nearly every working day, at the same hours, regardless of due dates; hands in early. */
export const steady: Story = {
  share: 10,
  pace: [0.82, 0.95],
  ability: 0.05,
  dawdles: false,
  seenIn: 'week_similarity',
  plan: (stage) => trait('steady', stage, { days_per_week: 4.5 }),
  // Mood is ignored: that makes them steady.
  conduct: (_line, study) => ({
    ...usualDay(study),
    presence: localWeekday(study.day) < 5 ? 1 : 0.12,
    hours: SAME_HOURS,
  }),
  handIn: (_line, _item, random) => (random.chance(0.02) ? null : { daysLate: -random.int(0, 3), effort: 0 }),
};
