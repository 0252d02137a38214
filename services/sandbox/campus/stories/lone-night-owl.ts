import { hours, trait, usualDay, usualHandIn } from './ordinary.ts';
import type { Story } from './story.ts';

const NIGHT = hours({ 23: 8, 0: 8, 1: 7, 2: 5, 3: 3, 20: 1, 21: 2, 22: 3 }, 0.15);

/** Is there when nobody else is, and never writes in the forum. */
export const loneNightOwl: Story = {
  share: 6,
  pace: [0.3, 0.8],
  ability: 0,
  dawdles: false,
  seenIn: 'regularity_hour',
  plan: (stage) => trait('lone night owl', stage, { hours: [23, 0, 1, 2, 3] }),
  conduct: (_line, study) => ({ ...usualDay(study), hours: NIGHT, talks: false }),
  handIn: (_line, _item, random) => usualHandIn(random),
};
