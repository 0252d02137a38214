import { createHash } from 'node:crypto';
import { expect, test } from 'vitest';
import { CAMPUS_COURSES } from '../../services/sandbox/campus/catalogue.ts';
import { keyHistory } from '../../services/sandbox/campus/history.ts';
import { DAY, localMillis, localWeekday } from '../../services/sandbox/campus/local-time.ts';
import { planCampus } from '../../services/sandbox/campus/people.ts';
import { randomFrom } from '../../services/sandbox/campus/random.ts';
import { uuidFrom } from '../../services/sandbox/campus/uuid.ts';

const END = Date.UTC(2026, 4, 20, 14, 30);

const tell = (seed: string) => {
  const campus = planCampus(seed, END);
  const keys = campus.enrollments.map((key) => ({ key, ...keyHistory(campus, key) }));
  return { campus, keys, activities: keys.flatMap((key) => key.activities), grades: keys.flatMap((key) => key.grades) };
};

const told = tell('spring');

test('the same seed and end tell the same history, another seed another one', () => {
  const again = tell('spring');
  expect(again.campus.students).toEqual(told.campus.students);
  const digest = (rows: object) => createHash('sha1').update(JSON.stringify(rows)).digest('hex');
  expect(digest(again.activities)).toBe(digest(told.activities));
  expect(digest(again.grades)).toBe(digest(told.grades));
  const other = planCampus('autumn', END);
  expect(other.students.map((student) => student.id)).not.toEqual(told.campus.students.map((student) => student.id));
});

test('a campus of 300 students in 2 to 4 of 8 courses and some in one before, with about 190,000 activities', () => {
  const { campus, activities, grades } = told;
  expect(campus.students).toHaveLength(300);
  expect(campus.courses).toHaveLength(9);
  const [now, before] = (['this', 'before'] as const).map((term) =>
    campus.enrollments.filter(({ course }) => course.definition.term === term),
  );
  for (const student of campus.students) {
    const courses = now?.filter((enrollment) => enrollment.studentId === student.id) ?? [];
    expect(courses.length).toBeGreaterThanOrEqual(2);
    expect(courses.length).toBeLessThanOrEqual(4);
  }
  expect(before?.length).toBeGreaterThan(80);
  expect(before?.length).toBeLessThan(130);
  expect(activities.length).toBeGreaterThan(150_000);
  expect(activities.length).toBeLessThan(210_000);
  expect(grades.length).toBeGreaterThan(5_000);
  expect(campus.enrollments.some((enrollment) => enrollment.enrolledAt === null)).toBe(true);
  const ids = [...campus.students, ...campus.courses, ...campus.enrollments, ...activities, ...grades].map((r) => r.id);
  expect(new Set(ids).size).toBe(ids.length);
});

test('names are unique and addresses cannot exist', () => {
  const { students } = told.campus;
  expect(new Set(students.map((student) => student.email)).size).toBe(students.length);
  expect(students.every((student) => student.email?.endsWith('.example'))).toBe(true);
});

test('nothing happens after the end, before the enrolment or after the end of a course', () => {
  for (const { key, activities, grades } of told.keys) {
    const from = Math.max(key.course.startsAt, key.enrolledAt ?? key.course.startsAt);
    const times = [...activities, ...grades].map((row) => row.at);
    expect(Math.max(...times)).toBeLessThanOrEqual(key.course.endsAt);
    expect(Math.min(...times)).toBeGreaterThanOrEqual(from);
  }
  const ended = told.campus.courses.filter((course) => course.endsAt < END);
  expect(ended.map((course) => course.shortname)).toEqual(['PHY', 'LOG']);
  expect(END - (ended[0]?.endsAt ?? 0)).toBeGreaterThanOrEqual(14 * DAY);
  expect(END - told.activities.reduce((first, row) => Math.min(first, row.at), END)).toBeGreaterThan(68 * DAY);
});

test('a course of the term before was over a week before any other began, and has a total for each of its students', () => {
  const times = ['before', 'this'].map((term) =>
    told.keys
      .filter(({ key }) => key.course.definition.term === term)
      .flatMap(({ activities, grades }) => [...activities, ...grades].map((row) => row.at)),
  );
  const last = (times[0] ?? []).reduce((latest, at) => Math.max(latest, at), 0);
  const first = (times[1] ?? []).reduce((earliest, at) => Math.min(earliest, at), END);
  expect(first - last).toBeGreaterThan(7 * DAY);
  const totals = told.keys
    .filter(({ key }) => key.course.definition.term === 'before')
    .map(({ grades }) => grades.some(({ item, value }) => item === 'course' && value !== null && value > 0));
  expect(totals.filter(Boolean).length).toBeGreaterThan(0.8 * totals.length);
});

test('every kind of activity occurs, and courses differ in what their connector reports', () => {
  const types = new Set(told.activities.map((row) => row.type));
  expect([...types].sort()).toEqual([
    'completion',
    'forum_post',
    'last_access',
    'login',
    'quiz_attempt',
    'submission',
    'view',
  ]);
  for (const { key, activities } of told.keys) {
    const { definition } = key.course;
    if (definition.activity === 'last_access') expect(activities.every((row) => row.type === 'last_access')).toBe(true);
    if (!definition.durations) expect(activities.every((row) => row.durationSeconds === null)).toBe(true);
    for (const row of activities) {
      if (row.type === 'submission') expect(row.metadata?.due_at).toMatch(/^\d{4}-\d\d-\d\dT23:59:00$/);
      if (row.type === 'completion') expect([0, 1, 2, 3]).toContain(row.metadata?.state);
    }
  }
  const states = new Set(told.activities.filter((row) => row.type === 'completion').map((row) => row.metadata?.state));
  expect([...states].sort()).toEqual([0, 1, 2, 3]);
});

test('grades have a course total, and items without a mark stand at 0', () => {
  const latest = new Map<string, { value: number | null; at: number }>();
  for (const row of told.grades) {
    expect(row.value).toBeGreaterThanOrEqual(0);
    expect(row.value).toBeLessThanOrEqual(row.max);
    const key = `${row.studentId}/${row.courseId}/${row.item}`;
    if (row.at >= (latest.get(key)?.at ?? 0)) latest.set(key, row);
  }
  const values = [...latest.values()].map((row) => row.value);
  expect(values.filter((value) => value === 0).length).toBeGreaterThan(500);
  expect(values.filter((value) => value !== 0).length).toBeGreaterThan(1_000);
  const totals = new Set(told.grades.filter((row) => row.item === 'course').map((row) => row.studentId));
  expect(totals.size).toBe(300);
});

test('weekends are quieter', () => {
  const loginsOn = (weekday: number) =>
    told.activities.filter((row) => row.type === 'login' && localWeekday(row.at) === weekday).length;
  expect(loginsOn(5)).toBeLessThan(0.8 * loginsOn(0));
});

test('a campus can be smaller, but not without students or with more than there are names for', () => {
  expect(planCampus('spring', END, 5).students).toEqual(told.campus.students.slice(0, 5));
  expect(() => planCampus('spring', END, 0)).toThrow(RangeError);
  expect(() => planCampus('spring', END, 5_000)).toThrow('1 to 800 students');
});

test('every course of the catalogue has its own code', () => {
  expect(new Set(CAMPUS_COURSES.map((course) => course.code)).size).toBe(CAMPUS_COURSES.length);
});

test('ids are version 5 UUIDs, as the standard has them', () => {
  // The example of RFC 9562, appendix A.4.
  expect(uuidFrom('6ba7b810-9dad-11d1-80b4-00c04fd430c8', 'www.example.com')).toBe(
    '2ed6657d-e927-568b-95e1-2665a8aea6a2',
  );
});

test('chance is uniform and whole numbers keep their limits', () => {
  const random = randomFrom('dice');
  const rolls = Array.from({ length: 60_000 }, () => random.int(1, 6));
  for (const face of [1, 2, 3, 4, 5, 6])
    expect(Math.abs(rolls.filter((roll) => roll === face).length - 10_000)).toBeLessThan(500);
  expect(rolls.every((roll) => roll >= 1 && roll <= 6)).toBe(true);
});

test('local time is the wall clock of the zone, summer time included', () => {
  expect(localMillis(Date.UTC(2026, 0, 15, 12, 0, 0, 7), 'Europe/Berlin')).toBe(Date.UTC(2026, 0, 15, 13, 0, 0, 7));
  expect(localMillis(Date.UTC(2026, 6, 15, 23, 30), 'Europe/Berlin')).toBe(Date.UTC(2026, 6, 16, 1, 30));
  expect(localMillis(Date.UTC(2026, 6, 15, 3), 'America/New_York')).toBe(Date.UTC(2026, 6, 14, 23));
});
