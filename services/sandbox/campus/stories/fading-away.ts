import { DAY, dateText } from '../local-time.ts';
import { dayBefore, usualDay, usualHandIn } from './ordinary.ts';
import type { Stage, Story, StoryLine } from './story.ts';

const goneOn = (line: StoryLine): number => Date.parse(`${String(line.details['gone_on'])}T00:00:00Z`);

/** Comes often at first, then half as often every few days, then no more; in all courses or in only one. */
export const fadingAway: Story = {
  share: 16,
  pace: [0.35, 0.85],
  ability: -0.03,
  dawdles: false,
  seenIn: 'days_inactive',
  plan: (stage) => {
    const { random } = stage;
    const only = random.chance(0.35) ? random.pick(stage.courses) : undefined;
    const where: Stage = only === undefined ? stage : { ...stage, courses: [only] };
    // An ended course is left before its end: if the story is about one course only, the days count back from its end.
    const startsOn = dayBefore(only === undefined ? stage : { ...where, end: only.endsAt }, random.int(24, 62), 10);
    const halfLife = random.int(2, 4);
    return [
      {
        story: 'fading away',
        courseId: only?.id ?? null,
        startsOn,
        endsOn: null,
        // By then less than a tenth is left.
        details: { half_life_days: halfLife, gone_on: dateText(startsOn + Math.ceil(3.4 * halfLife) * DAY) },
      },
    ];
  },
  conduct: (line, study) => {
    const usual = usualDay(study);
    if (study.day < line.startsOn) return usual;
    if (study.day >= goneOn(line)) return { ...usual, presence: 0 };
    const halfLives = (study.day - line.startsOn) / DAY / Number(line.details['half_life_days']);
    return { ...usual, presence: usual.presence * 0.5 ** halfLives, oneMore: 0.1 };
  },
  handIn: (line, item, random) => {
    const usual = usualHandIn(random);
    if (usual === null || item.dueAt + usual.daysLate * DAY < line.startsOn) return usual;
    return random.chance(0.4) ? null : { ...usual, effort: -0.15 };
  },
};
