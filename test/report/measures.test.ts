import { expect, test } from 'vitest';
import { attentionScore, idleDays } from './alarms.ts';
import { type Course, measure, rank, type Student } from './measures.ts';
import type { Alarm, FlaggedDays } from './openings.ts';

/** One letter a day from day 0: `a` open, `.` closed. */
const days = (text: string): FlaggedDays => ({
  firstDay: 0,
  flags: [...text].map((letter) => (letter === 'a' ? ['absent'] : [])),
  points: [],
  since: [],
  activeDays: [],
});
const open = (from: number, to: number): FlaggedDays =>
  days([...Array(140).keys()].map((day) => (day >= from && day <= to ? 'a' : '.')).join(''));
const never = days('.'.repeat(140));

const alarm: Alarm = { name: 'absent', isOpen: ({ flags }, index) => (flags[index]?.length ?? 0) > 0 };
const student = (result: Student['result'], of: FlaggedDays, leftOn: number | null = null): Student => ({
  result,
  leftOn,
  days: of,
});
const course = (...students: Student[]): Course => ({ students, firstDay: 0, lastDay: 139 });

test('openings of those who pass, per 100 weeks', () => {
  // Twenty weeks each; those of other students do not count.
  const found = measure(
    course(student('passed', open(10, 20)), student('passed', never), student('failed', open(3, 5))),
    alarm,
  );
  expect(found.openings).toBe(100 / 40);
});

test('an opening that is no news is none', () => {
  const isNews: Alarm = { ...alarm, opens: (_, index) => index === 10 };
  const twice = days(`${'.'.repeat(10)}a..a${'.'.repeat(126)}`);
  expect(measure(course(student('passed', twice)), alarm).openings).toBe(10);
  expect(measure(course(student('passed', twice)), isNews).openings).toBe(5);
});

test('who fails is caught between the 28th day and half of the course', () => {
  const some = [open(0, 27), open(28, 28), open(69, 90), open(70, 90)].map((of) => student('failed', of));
  const found = measure(course(...some, student('passed', open(40, 41)), student('passed', never)), alarm);
  expect([found.failers, found.passersByHalf]).toEqual([0.5, 0.5]);
});

test('who withdraws is caught from 28 to 7 days before, and those who pass in the same days', () => {
  const leaver = (of: FlaggedDays, leftOn = 100): Student => student('withdrew', of, leftOn);
  const found = measure(
    course(
      leaver(open(72, 72)),
      leaver(open(60, 93)),
      leaver(open(94, 99)),
      leaver(open(60, 71)),
      // Too early for anybody to have noticed; and after the course.
      leaver(open(0, 13), 13),
      leaver(open(0, 139), 140),
      student('passed', open(80, 81)),
      student('passed', open(95, 99)),
    ),
    alarm,
  );
  expect([found.withdrawers, found.passersInWindows]).toEqual([0.5, 0.5]);
  // From day 72, and from day 60 on, to day 100.
  expect(found.leadDays).toBe(34);
});

test('what became of those for whom it opened', () => {
  const found = measure(
    course(
      student('withdrew', open(72, 80), 100),
      student('withdrew', open(71, 80), 100),
      student('failed', open(5, 6)),
      student('passed', open(5, 6)),
    ),
    alarm,
  );
  expect([found.leftWithin28, found.didNotComplete]).toEqual([0.25, 0.75]);
});

test('how well a score tells: the chance that one who does not complete stands first', () => {
  const all = course(
    ...['failed', 'passed', 'failed', 'passed'].map((result) => student(result as Student['result'], never)),
  );
  const scores = (...by: number[]) => {
    const students = all.students.map((one, index) => ({ ...one, days: { ...one.days, points: [by[index] ?? 0] } }));
    return rank({ ...all, students }, ({ points }) => points[0] ?? 0);
  };
  expect(scores(4, 1, 3, 2).auc).toBe(1);
  expect(scores(1, 4, 2, 3).auc).toBe(0);
  expect(scores(5, 5, 5, 5).auc).toBe(0.5);
  expect(scores(4, 3, 2, 2).auc).toBe(0.625);
  expect(scores(4, 1, 3, 2)).toMatchObject({ topShare: 1, baseShare: 0.5 });
});

test('who has left is in no list any more', () => {
  const found = rank(course(student('withdrew', never, 50), student('passed', never)), () => 1);
  // Weeks from day 28 to 132; for the one who left, those of days 28, 35, 42 and 49.
  expect(found.baseShare).toBe(4 / (15 + 4));
});

test('idle days, and the order of the list', () => {
  const of: FlaggedDays = {
    ...never,
    firstDay: 10,
    activeDays: [11, 14],
    points: [0, 3, 3, 4],
    since: [null, 1, 1, 1],
  };
  expect([0, 1, 3, 4, 9].map((index) => idleDays(of, index))).toEqual([1, 0, 2, 0, 5]);
  expect([0, 1, 2, 3].map((index) => attentionScore(of, index))).toEqual([0, 3_000, 3_001, 4_002]);
});
