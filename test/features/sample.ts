import { COVERAGE_KINDS, type FirstDays } from '#libs/aggregate/coverage.ts';
import { readActivity } from '#libs/clean/activity-logs.ts';
import { TYPE_OF_WORD } from '#libs/clean/activity-types.ts';
import { readEnrollment } from '#libs/clean/enrollments.ts';
import { readGrade } from '#libs/clean/grades.ts';
import { isRejected, type Rejected } from '#libs/clean/rejection.ts';
import type { ReadingSettings } from '#libs/clean/settings.ts';
import type { RowsOfKey } from '#libs/dataset/key-rows.ts';
import type { GradeChange } from '#libs/derive/anomaly/graded.ts';
import { classNumbers } from '#libs/derive/attention/class-numbers.ts';
import { type HandedIn, memberOf } from '#libs/derive/attention/member.ts';
import type { ClassNumbers } from '#libs/derive/attention/numbers.ts';
import { type LocalDay, MS_PER_DAY } from '#libs/domain/local-date.ts';
import { tableZone, type Zone } from '#libs/domain/zone.ts';
import { anomalyFamily } from '#libs/families/anomaly.ts';
import { courseAsOf } from '#libs/families/course-as-of.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { evaluateKey } from '#libs/families/evaluate.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import { testSettings } from '../support/settings.ts';

/*
 * Rows of a few hundred keys, drawn from what sources write, readable and not, the same ones every time; and what the code
 * makes of them. Neither Postgres nor the machine's zone data are involved. A row that reveals a change no other row reveals
 * is added to OWN, so that the others stay as they are.
 */

const KEYS = 240;
const TODAY: LocalDay = 20_532;
const HOUR = 3_600_000;
const AT = { student_id: 1, course_id: 1 };

/** A clock that changes within the sample's days: forward at 02:00 on 8 March 2026. */
const ZONE = tableZone('Sample/Zone', -8 * HOUR, [{ at: Date.UTC(2026, 2, 8, 10), offset: -7 * HOUR }]);
const READING: ReadingSettings = { sourceZone: ZONE, institutionZone: ZONE, aliases: new Map([['badge', 'view']]) };

/** Numbers below 2^32, the same for ever (Numerical Recipes, "quick and dirty" generator). */
class Draw {
  #state: number;
  constructor(seed: number) {
    // Neighbouring seeds must start far apart.
    this.#state = Math.imul(seed + 1, 2_654_435_761) >>> 0;
    this.below(2);
  }
  below(count: number): number {
    this.#state = (Math.imul(this.#state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((this.#state / 2 ** 32) * count);
  }
  of<V>(values: readonly V[]): V {
    return values[this.below(values.length)] as V;
  }
}

const TIMES = [
  0,
  1,
  600_000,
  600_500,
  1_800_000,
  2_400_000,
  7 * HOUR,
  10 * HOUR + 1,
  12 * HOUR,
  20 * HOUR,
  MS_PER_DAY - 1,
];
const WORDS = [
  'login',
  'view',
  ' Viewed ',
  'forum_post',
  'last_access',
  'submission',
  'quiz',
  'badge',
  'LOGIN',
  'completion',
  '',
];
const METADATA = [
  null,
  '{"event_id": "a"}',
  '{"event_id": 9007199254740993}',
  '{"event_id": " "}',
  '{"state": 0}',
  '{"state": 1}',
  '{"state": "2"}',
  '{"state": 3, "x": 1}',
  '{"state": 4}',
  '{"due_at": "2026-03-10"}',
  '{"due_at": "2026-03-15T12:00"}',
  '{"due_at": "2026-03-18 00:10:00.5+02"}',
  '{"due_at": 1773900000}',
  '{"due_at": "soon"}',
  '[]',
  '{"clicks": 3}',
];
const GRADES = ['0', '0.000001', '12.5', '50', '49.999995', '70', '72', '75.5', '80', '100', '120', '33.33333'];

type Rows = {
  readonly enrollments: Parameters<typeof readEnrollment>[0][];
  readonly activities: Parameters<typeof readActivity>[0][];
  readonly grades: Parameters<typeof readGrade>[0][];
};

const timeOf = (draw: Draw, back: number): number | null =>
  draw.below(40) === 0
    ? draw.of([null, 0, Date.UTC(1999, 11, 31, 23), Date.UTC(2200, 0, 1)])
    : (TODAY - draw.below(back) + 1) * MS_PER_DAY + draw.of(TIMES);

const activityOf = (draw: Draw, back: number): Rows['activities'][number] => ({
  ...AT,
  activity_type: draw.of(WORDS),
  resource_id: draw.of([null, 'r1', 'r2', 'R1', '  ', 'r3']),
  duration_seconds: draw.of([null, null, null, null, '0', '60', '600', draw.below(8) === 0 ? '-5' : '61']),
  timestamp: timeOf(draw, back),
  metadata: draw.of(METADATA),
});

const gradeOf = (draw: Draw, back: number): Rows['grades'][number] => ({
  ...AT,
  grade_item: draw.of(['Essay', 'Essay ', 'Quiz', 'Zürich', 'course', 'Category', 'Lab 1', 'Lab 2', 'Lab 3', 'Lab 4']),
  grade_value: draw.below(20) === 0 ? draw.of([null, 'NaN', '-1', 'Infinity']) : draw.of(GRADES),
  grade_max: draw.below(20) === 0 ? draw.of([null, '0', 'NaN', '0.000001']) : draw.of(['100', '75', '120']),
  timestamp: timeOf(draw, back),
});

/** Comes every few days, and then stops, or comes more often: what is unusual only shows against what is usual. */
function habitOf(draw: Draw): Pick<Rows, 'activities' | 'grades'> {
  const [until, every] = [draw.of([-100, -75, -12, -8, -2, 0, 1]), 1 + draw.below(4)];
  const before = 20 + draw.below(60) - Math.min(0, until);
  const many = draw.of([1, 1, 6]);
  const steady = draw.below(2) === 0;
  const activities = Array.from({ length: before + 1 }, (_, n) => n - before)
    .filter((day) => day <= until && (steady || draw.below(3) > 0))
    .flatMap((day) => {
      const times = day > -6 ? many : day % every === 0 ? 1 : 0;
      return Array.from({ length: times }, (_, n) => ({
        ...AT,
        activity_type: draw.of(['login', 'view', 'forum_post']),
        resource_id: `r${n}`,
        duration_seconds: null,
        timestamp: (TODAY + day) * MS_PER_DAY + (12 + n) * HOUR,
        metadata: null,
      }));
    });
  const level = draw.of(['70', '80']);
  const grades = Array.from({ length: draw.below(12) }, (_, n, count = 12) => ({
    ...AT,
    grade_item: `Lab ${n}`,
    grade_value: n > 5 && draw.below(3) === 0 ? draw.of(['5', '100']) : level,
    grade_max: '100',
    timestamp: (TODAY + 3 * (n - count)) * MS_PER_DAY + 20 * HOUR,
  }));
  return { activities, grades };
}

function rowsOf(n: number): Rows {
  const draw = new Draw(n);
  const many = (count: number): undefined[] => Array.from({ length: draw.below(count) });
  const habit = n % 2 === 0 ? habitOf(draw) : { activities: [], grades: [] };
  const odd = n % 4 === 0 ? 0 : 40;
  const back = draw.of([9, 45]);
  if (n % 12 === 6) return { enrollments: [], activities: [], grades: habit.grades };
  return {
    enrollments: many(3).map(() => ({ ...AT, enrolled_at: timeOf(draw, 60) })),
    activities: [...habit.activities, ...many(odd).map(() => activityOf(draw, back))],
    grades: [...habit.grades, ...many(odd / 4).map(() => gradeOf(draw, back))],
  };
}

/** Rows that show what the drawn ones do not, one key each. */
const OWN: readonly Rows[] = [];

/** The kinds of data that a key's course collects: all, or all but a few. */
function coverageOf(n: number): FirstDays {
  const draw = new Draw(n + KEYS);
  const all = n % 3 !== 0;
  return COVERAGE_KINDS.map(() => (all || draw.below(4) > 0 ? TODAY - 90 - draw.below(20) : null));
}

const accepted = <O extends object>(readings: readonly (O | Rejected)[]): O[] =>
  readings.filter((reading): reading is O => !isRejected(reading));

/** The readable rows of the sample's keys, and the day up to which they are drawn. */
export const sampleKeys = (): {
  readonly today: LocalDay;
  readonly zone: Zone;
  readonly keys: readonly RowsOfKey[];
} => ({
  today: TODAY,
  zone: ZONE,
  keys: Array.from({ length: KEYS }, (_, n) => {
    const { enrollments, activities, grades } = rowsOf(n);
    return {
      engagement: {
        enrollments: accepted(enrollments.map((row) => readEnrollment(row, READING))),
        activities: accepted(activities.map((row) => readActivity(row, READING))),
      },
      grades: accepted(grades.map((row) => readGrade(row, READING))),
    };
  }),
});

/** What is read of a key, and the result in each family. */
export function resultOf(rows: Rows, n: number, numbers: ClassNumbers | null = null) {
  const settings = testSettings().deriving;
  const read = {
    enrollments: rows.enrollments.map((row) => readEnrollment(row, READING)),
    activities: rows.activities.map((row) => readActivity(row, READING)),
    grades: rows.grades.map((row) => readGrade(row, READING)),
  };
  const coveredFrom = coverageOf(n);
  const asOf = TODAY - (n % 5 === 0 ? 2 : 0);
  const course = { courseId: 1, version: 1, coveredFrom, firstFact: TODAY - 100, asOf };
  const at = { course, otherFirstDay: null, today: TODAY };
  const engaged = { enrollments: accepted(read.enrollments), activities: accepted(read.activities) };
  const engagement = evaluateKey(engagementFamily, settings, { ...at, rows: engaged });
  const performance = evaluateKey(performanceFamily, settings, { ...at, rows: accepted(read.grades) });
  const [days, graded] = [engagement.derived?.series, performance.derived?.series];
  const enrolledAt = engagement.derived?.features.enrolled_at ?? null;
  const stored = {
    engagement: engagement.derived
      ? { asOf, enrolledAt, days: days ? { ...days, first: days.firstDay, handedIn: days.handed_in } : null }
      : null,
    performance: graded ? { asOf, first: graded.firstDay, graded: graded.graded } : null,
    enrolledDay: enrolledAt === null ? null : ZONE.dayOf(enrolledAt),
    numbers,
  };
  const anomaly = evaluateKey(anomalyFamily, settings, {
    ...at,
    rows: stored as unknown as typeof anomalyFamily.noRows,
  });
  return { read, engagement, performance, anomaly };
}

/** The sample's keys as one class, with which each is compared. */
function classOfSample(results: readonly ReturnType<typeof resultOf>[]): ClassNumbers | null {
  const members = results.map(({ engagement, performance }) => {
    const days = engagement.derived?.series;
    const active = days?.active.flatMap((value, index) => (value === 1 ? [days.firstDay + index] : [])) ?? [];
    return memberOf(
      active,
      (days?.handed_in ?? []) as readonly HandedIn[],
      (performance.derived?.series?.graded ?? []) as readonly GradeChange[],
    );
  });
  const span = { firstFact: TODAY - 100, asOf: TODAY, submissionFrom: TODAY - 40, notDoneFrom: TODAY - 90 };
  // Among drawn rows few hand in the same item.
  return classNumbers(members, span, { ...testSettings().deriving, expectedShare: 10 });
}

/** How many days ago a course's last fact was, and the resulting as-of day. */
const COURSES = Array.from({ length: 40 }, (_, ago) => [ago, courseAsOf(TODAY - ago, TODAY)] as const);

/**
 * The results of every key of the sample, plus what drawn rows need not show although stored values depend on it: the
 * type of each activity word, and when a course freezes.
 */
export function sampleResults() {
  const rows = [...Array.from({ length: KEYS }, (_, n) => rowsOf(n)), ...OWN];
  const numbers = classOfSample(rows.map((own, n) => resultOf(own, n)));
  return {
    words: [...TYPE_OF_WORD].sort(),
    courses: COURSES,
    numbers,
    keys: rows.map((own, n) => resultOf(own, n, n % 10 === 7 ? null : numbers)),
  };
}
