import { workOf } from '../catalogue.ts';
import { DAY, dateText, startOfDay } from '../local-time.ts';
import { hours, usualDay } from './ordinary.ts';
import type { StageCourse, Story, StoryLine } from './story.ts';

/** The day an assignment is due and the two before it. */
const DAYS_OF_CRAM = 3;

const LATE_IN_THE_DAY = hours({ 15: 2, 16: 3, 17: 3, 18: 4, 19: 5, 20: 7, 21: 8, 22: 6 }, 0.2);

/** The days of the course's history on which such a student crams. */
function daysOfCram({ definition, startsAt, endsAt, from }: StageCourse): number[] {
  const assignments = workOf(definition, startsAt, endsAt).filter((item) => item.kind === 'assignment');
  return assignments
    .flatMap(({ dueAt }) => [2, 1, 0].map((before) => startOfDay(dueAt) - before * DAY))
    .filter((day) => day >= startOfDay(from) && day <= endsAt);
}

/** Rarely there except on the last days before an assignment is due, and then for hours. */
export const cramming: Story = {
  share: 9,
  pace: [0.03, 0.12],
  ability: -0.04,
  dawdles: false,
  seenIn: 'periodicity_week',
  plan: ({ courses }) =>
    courses.flatMap((course): StoryLine[] => {
      const [first, ...others] = daysOfCram(course);
      if (first === undefined) return [];
      const days = [first, ...others].map(dateText);
      return [{ story: 'cramming', courseId: course.id, startsOn: first, endsOn: null, details: { days } }];
    }),
  conduct: (_line, study) => {
    const usual = usualDay(study);
    if (study.daysToDeadline >= DAYS_OF_CRAM) return { ...usual, hours: LATE_IN_THE_DAY };
    return { ...usual, presence: 20, oneMore: 0.65, hours: LATE_IN_THE_DAY };
  },
  handIn: (_line, _item, random) => {
    if (random.chance(0.08)) return null;
    return { daysLate: random.chance(0.1) ? 1 : 0, effort: 0 };
  },
};
