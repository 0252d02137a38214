import { trait, usualDay } from './ordinary.ts';
import type { Story } from './story.ts';

/** Studies like the others, but hands in after the due date: mostly a day late, up to a week. */
export const lateSubmitter: Story = {
  share: 8,
  pace: [0.15, 0.75],
  ability: -0.03,
  dawdles: true,
  seenIn: 'late_submissions',
  plan: (stage) => trait('late submitter', stage, { share_late: 0.9 }),
  conduct: (_line, study) => usualDay(study),
  handIn: (_line, _item, random) => {
    if (random.chance(0.05)) return null;
    return { daysLate: random.chance(0.1) ? 0 : 1 + random.weighted([22, 16, 14, 12, 12, 12, 12]), effort: -0.02 };
  },
};
