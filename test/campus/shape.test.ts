import { beforeAll, describe, expect, test } from 'vitest';
import { planCampus } from '../../services/sandbox/campus/people.ts';
import { campusStudies } from './campus-studies.ts';
import { ouladStudies, type Shape, type Study, shapeOf } from './shape.ts';

const OULAD_DIR = process.env['OULAD_DIR'];
const END = Date.UTC(2026, 4, 20, 14, 30);
const SEEDS = ['1', 'spring'];

/**
 * The first ten weeks of two presentations of the Open University Learning Analytics Dataset (Kuzilek, Hlosta and
 * Zdrahal 2017, CC BY 4.0), measured by `shapeOf`. An event is a row of clicks: one page on one day, which is what the
 * loader makes a view. The days of a week count from that on which the course started.
 */
const AAA_2013J: Shape = {
  students: 376,
  weeks: [0.152, 0.287, 0.293, 0.267],
  pace: [1, 2.9, 5.25],
  events: [5, 11],
  fading: 0.051,
  weekdays: [0.113, 0.137, 0.164, 0.159, 0.159, 0.145, 0.122],
  late: 0.229,
  lateness: [-2, 0, 7],
  scoreQuartiles: [61, 70, 77],
  activityAndScore: 0.392,
};
const BBB_2013B: Shape = {
  students: 1508,
  weeks: [0.261, 0.365, 0.219, 0.155],
  pace: [0.4, 1.9, 4.5],
  events: [5, 10],
  fading: 0.142,
  weekdays: [0.112, 0.132, 0.163, 0.16, 0.159, 0.15, 0.123],
  late: 0.44,
  lateness: [-3, 0, 6],
  scoreQuartiles: [67, 79, 94.75],
  activityAndScore: 0.389,
};

/**
 * How far outside the range of the two real courses a figure of the campus may lie. Real courses differ from each
 * other, so anything between the two is fine. Outside: twice the spread between campuses of different seeds, which is
 * that of 300 students rather than 690 student-courses, since a student behaves alike in all courses; and at least the
 * effect of one event, one day of the course or one step of a mark.
 */
const TOLERANCE = {
  weeks: 0.06,
  pace: 0.5,
  events: 1,
  fading: 0.035,
  late: 0.05,
  lateness: 1,
  scoreQuartiles: 4,
  activityAndScore: 0.1,
} as const;
/** Both courses have the same week, which leaves no range: the largest allowed difference in a weekday's share. */
const WEEKDAY_TOLERANCE = 0.025;

type Figure = keyof typeof TOLERANCE;

/** The figures in which a shape is unlike the real ones. */
function warnings(shape: Shape): string[] {
  const odd = (Object.keys(TOLERANCE) as Figure[]).flatMap((figure) => {
    const real = [AAA_2013J, BBB_2013B].map((course) => [course[figure]].flat());
    return [shape[figure]].flat().flatMap((value, index) => {
      const bounds = real.map((values) => values[index] ?? Number.NaN);
      const [least, most] = [Math.min(...bounds) - TOLERANCE[figure], Math.max(...bounds) + TOLERANCE[figure]];
      return value >= least && value <= most ? [] : [`${figure}[${index}]: ${value} is not in ${least} … ${most}`];
    });
  });
  const distance = weekDistance(shape.weekdays, BBB_2013B.weekdays);
  return distance <= WEEKDAY_TOLERANCE ? odd : [...odd, `weekdays: ${distance} apart`];
}

/** The data set does not say which weekday day 0 was: the best of the seven alignments of the two weeks. */
const weekDistance = (week: readonly number[], other: readonly number[]): number =>
  Math.min(
    ...week.map((_, shift) =>
      Math.max(...week.map((share, day) => Math.abs(share - (other[(day + shift) % 7] ?? Number.NaN)))),
    ),
  );

const campuses: { seed: string; studies: Study[] }[] = [];
beforeAll(() => {
  for (const seed of SEEDS) campuses.push({ seed, studies: campusStudies(planCampus(seed, END)) });
});

test.each(SEEDS)('campus %s has the shape of real courses', (seed) => {
  const studies = campuses.find((campus) => campus.seed === seed)?.studies ?? [];
  const shape = shapeOf(studies);
  expect(shape.students).toBeGreaterThan(600);
  expect(warnings(shape)).toEqual([]);
});

describe('the comparison sees', () => {
  const planted = (change: (study: Study, index: number) => Study): string[] =>
    warnings(shapeOf((campuses[0]?.studies ?? []).map(change))).map((text) => text.replace(/[[:].*/, ''));

  test('the real courses themselves as real', () => {
    expect([AAA_2013J, BBB_2013B].flatMap(warnings)).toEqual([]);
  });

  test('students who come a quarter less often', () => {
    const rarer = (events: Study['events']) => new Map([...events].filter((_, index) => index % 4 > 0));
    expect(planted((study) => ({ ...study, events: rarer(study.events) }))).not.toEqual([]);
  });

  test('two events more on every day', () => {
    const busier = (events: Study['events']) => new Map([...events].map(([day, count]) => [day, count + 2]));
    expect(planted((study) => ({ ...study, events: busier(study.events) }))).toContain('events');
  });

  test('one in seven who stops after the fifth week', () => {
    const cut = (events: Study['events']) => new Map([...events].filter(([day]) => day < 35));
    expect(planted((study, index) => (index % 7 === 0 ? { ...study, events: cut(study.events) } : study))).toContain(
      'fading',
    );
  });

  test('weekends like any other day', () => {
    const moved = (events: Study['events'], by: number) =>
      new Map([...events].map(([day, count]) => [7 * Math.floor(day / 7) + ((day + by) % 7), count]));
    expect(planted((study, index) => ({ ...study, events: moved(study.events, index % 7) }))).toEqual(['weekdays']);
  });

  test('work that is handed in two days earlier', () => {
    const changed = planted((study) => ({ ...study, lateness: study.lateness.map((days) => days - 2) }));
    expect(changed).toContain('lateness');
  });

  test('marks that are ten points worse', () => {
    const changed = planted((study) => ({ ...study, scores: study.scores.map((score) => Math.max(0, score - 10)) }));
    expect(changed).toEqual(['scoreQuartiles', 'scoreQuartiles']);
  });

  test('marks that have nothing to do with activity', () => {
    const { studies = [] } = campuses[0] ?? {};
    const changed = planted((study, index) => ({ ...study, scores: studies.at(index - 100)?.scores ?? [] }));
    expect(changed).toEqual(['activityAndScore']);
  });
});

describe.skipIf(OULAD_DIR === undefined)('on the data set itself', () => {
  test.each([
    ['AAA-2013J', AAA_2013J],
    ['BBB-2013B', BBB_2013B],
  ])('the figures of %s are as stated', async (presentation, stated) => {
    const measured = shapeOf(await ouladStudies(OULAD_DIR ?? '', presentation));
    for (const figure of Object.keys(stated) as (keyof Shape)[]) {
      const values = [measured[figure]].flat();
      for (const [index, value] of [stated[figure]].flat().entries()) expect(values[index]).toBeCloseTo(value, 3);
    }
  });
});
