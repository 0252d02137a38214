import { beforeAll, describe, expect, test } from 'vitest';
import { keyHistory } from '../../services/sandbox/campus/history.ts';
import { DAY, HOUR, localWeekday, startOfDay } from '../../services/sandbox/campus/local-time.ts';
import { type Campus, type Enrollment, planCampus } from '../../services/sandbox/campus/people.ts';
import type { ActivityRow } from '../../services/sandbox/campus/rows.ts';
import { STORY_NAMES, type StoryName, type StudentLine } from '../../services/sandbox/campus/stories/story.ts';

const SEEDS = Array.from({ length: 4 }, (_, index) => String(index + 1));

/** What students do themselves; completions may be the teacher's, and zeros are the connector's. */
const DOINGS = ['login', 'view', 'forum_post', 'submission', 'quiz_attempt', 'last_access'];

/** A line of the ground truth, with the raw rows of its courses, all of them together. */
interface Told {
  readonly line: StudentLine;
  readonly end: number;
  /** From when, and until when, the student could be there. */
  readonly from: number;
  readonly until: number;
  readonly doings: readonly ActivityRow[];
}

interface Seeded {
  readonly seed: string;
  readonly campus: Campus;
  readonly told: readonly Told[];
  /** Rows of some students without a story. */
  readonly ordinary: readonly ActivityRow[];
}

const doingsOf = (campus: Campus, key: Enrollment): ActivityRow[] =>
  keyHistory(campus, key).activities.filter((row) => DOINGS.includes(row.type));

function tell(seed: string, index: number): Seeded {
  // A different weekday each time: courses begin on a Monday, histories end whenever somebody starts.
  const campus = planCampus(seed, Date.UTC(2026, 4, 20 + index, 14, 30));
  const told = campus.stories.map((line): Told => {
    const keys = campus.enrollments.filter((key) => key.line !== null && key.studentId === line.studentId);
    const own = keys.filter((key) => line.courseId === null || line.courseId === key.courseId);
    const from = Math.min(...own.map((key) => Math.max(key.course.startsAt, key.enrolledAt ?? 0)));
    const until = Math.max(...own.map((key) => key.course.endsAt));
    return { line, end: campus.end, from, until, doings: own.flatMap((key) => doingsOf(campus, key)) };
  });
  const plain = campus.enrollments.filter((key) => key.student.story === null).slice(0, 60);
  return { seed, campus, told, ordinary: plain.flatMap((key) => doingsOf(campus, key)) };
}

const campuses: Seeded[] = [];
beforeAll(() => {
  for (const [index, seed] of SEEDS.entries()) campuses.push(tell(seed, index));
}, 300_000);

const of = (seeded: Seeded, story: StoryName): Told[] => seeded.told.filter(({ line }) => line.story === story);

const inside = (rows: readonly ActivityRow[], from: number, to: number): ActivityRow[] =>
  rows.filter((row) => row.at >= from && row.at < to);

const activeDays = (rows: readonly ActivityRow[]): number => new Set(rows.map((row) => startOfDay(row.at))).size;

const share = <T>(list: readonly T[], holds: (item: T) => boolean): number => list.filter(holds).length / list.length;

const hourOf = (row: ActivityRow): number => Math.floor((row.at % DAY) / HOUR);
const atNight = (row: ActivityRow): boolean => hourOf(row) >= 23 || hourOf(row) < 4;
const dueOf = (row: ActivityRow): number => Date.parse(`${String(row.metadata?.['due_at'])}Z`);
const midnight = (date: unknown): number => Date.parse(`${String(date)}T00:00:00Z`);

describe.each(SEEDS)('campus %s', (seed) => {
  const seeded = (): Seeded => {
    const found = campuses.find((each) => each.seed === seed);
    if (found === undefined) throw new Error(`campus ${seed} was not told`);
    return found;
  };

  test('tells every story of several students, and nearly half of the students have none', () => {
    const { campus } = seeded();
    for (const story of STORY_NAMES) {
      const students = new Set(of(seeded(), story).map(({ line }) => line.studentId));
      expect(students.size).toBeGreaterThanOrEqual(8);
    }
    const without = share(campus.students, (student) => student.story === null);
    expect(without).toBeGreaterThan(0.35);
    expect(without).toBeLessThan(0.55);
    for (const { line, from, end } of seeded().told) {
      expect(line.startsOn).toBe(startOfDay(line.startsOn));
      expect(line.startsOn).toBeGreaterThanOrEqual(startOfDay(from));
      expect(line.endsOn ?? line.startsOn).toBeGreaterThanOrEqual(line.startsOn);
      expect(line.endsOn ?? line.startsOn).toBeLessThan(end);
    }
  });

  test('fading away: ever less from the first day on, and nothing from the day they are gone', () => {
    const faded = of(seeded(), 'fading away').map(({ line, from, until, doings }) => {
      const goneOn = midnight(line.details['gone_on']);
      expect(inside(doings, goneOn, Number.POSITIVE_INFINITY)).toEqual([]);
      const rate = (since: number, to: number) => activeDays(inside(doings, since, to)) / Math.ceil((to - since) / DAY);
      const before = rate(startOfDay(from), line.startsOn);
      return { before, after: until > line.startsOn ? rate(line.startsOn, until) : 0 };
    });
    for (const { before } of faded) expect(before).toBeGreaterThan(0.15);
    expect(share(faded, ({ before, after }) => after < 0.5 * before)).toBeGreaterThan(0.9);
  });

  test('cramming: most of what is done is done on the days of cram', () => {
    const crammed = of(seeded(), 'cramming').map(({ line, from, until, doings }) => {
      const days = (line.details['days'] as string[]).map(midnight);
      expect(days[0]).toBe(line.startsOn);
      const on = doings.filter((row) => days.includes(startOfDay(row.at))).length / days.length;
      return { on, off: (doings.length - on * days.length) / ((until - from) / DAY - days.length) };
    });
    expect(share(crammed, ({ on, off }) => on > 5 * off)).toBeGreaterThan(0.9);
  });

  test('steady: on three working days or more in nearly every week, and as much in each', () => {
    const weeks = of(seeded(), 'steady').flatMap(({ line, until, doings }) => {
      const monday = line.startsOn + ((7 - localWeekday(line.startsOn)) % 7) * DAY;
      const count = Math.floor((until - monday) / (7 * DAY));
      return Array.from({ length: count }, (_, week) => {
        const start = monday + 7 * week * DAY;
        return activeDays(inside(doings, start, start + 5 * DAY));
      });
    });
    expect(share(weeks, (days) => days >= 3)).toBeGreaterThan(0.97);
  });

  test('back after illness: there before, not once while ill, and there again', () => {
    for (const { line, doings } of of(seeded(), 'back after illness')) {
      const backOn = midnight(line.details['back_on']);
      expect(backOn).toBe((line.endsOn ?? 0) + DAY);
      expect(backOn - line.startsOn).toBeGreaterThanOrEqual(8 * DAY);
      expect(inside(doings, line.startsOn, backOn)).toEqual([]);
      expect(activeDays(inside(doings, line.startsOn - 14 * DAY, line.startsOn))).toBeGreaterThan(1);
      expect(activeDays(inside(doings, backOn, backOn + 14 * DAY))).toBeGreaterThan(2);
    }
  });

  test('late submitter: hands in after the due date, others mostly before', () => {
    const lateness = (rows: readonly ActivityRow[]) => {
      const submissions = rows.filter((row) => row.type === 'submission');
      return share(submissions, (row) => row.at > dueOf(row));
    };
    const late = of(seeded(), 'late submitter');
    expect(lateness(late.flatMap(({ doings }) => doings))).toBeGreaterThan(0.8);
    expect(lateness(seeded().ordinary)).toBeLessThan(0.35);
  });

  test('lone night owl: there from 23 to 4 and silent in the forum; hardly anybody else is', () => {
    for (const { doings } of of(seeded(), 'lone night owl')) {
      expect(share(doings, atNight)).toBeGreaterThan(0.5);
      expect(doings.some((row) => row.type === 'forum_post')).toBe(false);
    }
    expect(share(seeded().ordinary, atNight)).toBeLessThan(0.02);
  });
});

test('the same seed and end have the same ground truth', () => {
  const { seed, campus } = campuses[3] ?? tell('4', 3);
  expect(planCampus(seed, campus.end).stories).toEqual(campus.stories);
});
