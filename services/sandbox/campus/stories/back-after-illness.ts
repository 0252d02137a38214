import { DAY, dateText } from '../local-time.ts';
import { dayBefore, usualDay, usualHandIn } from './ordinary.ts';
import type { Story } from './story.ts';

/** Absent from every course for one to two weeks; then back, and for a week more active than before. */
export const backAfterIllness: Story = {
  share: 7,
  pace: [0.45, 0.8],
  ability: 0,
  dawdles: false,
  seenIn: 'longest_gap_days',
  plan: (stage) => {
    const { random } = stage;
    const startsOn = dayBefore(stage, random.int(34, 50), 8);
    const endsOn = startsOn + random.int(8, 15) * DAY;
    return [
      {
        story: 'back after illness',
        courseId: null,
        startsOn,
        endsOn,
        details: { days: (endsOn - startsOn) / DAY + 1, back_on: dateText(endsOn + DAY) },
      },
    ];
  },
  conduct: (line, study) => {
    const usual = usualDay(study);
    const endsOn = line.endsOn ?? line.startsOn;
    if (study.day < line.startsOn || study.day > endsOn + 7 * DAY) return usual;
    return { ...usual, presence: study.day <= endsOn ? 0 : 1.5 };
  },
  handIn: (line, item, random) => {
    const usual = usualHandIn(random);
    const endsOn = line.endsOn ?? line.startsOn;
    const at = item.dueAt + (usual?.daysLate ?? 0) * DAY;
    if (usual === null || at < line.startsOn || at >= endsOn + DAY) return usual;
    // Most of what was due during the illness is handed in later.
    if (random.chance(0.2)) return null;
    return { daysLate: Math.ceil((endsOn - item.dueAt) / DAY) + random.int(1, 4), effort: -0.03 };
  },
};
