import { afterAll, beforeAll, expect, test } from 'vitest';
import { liveSteps } from '../../services/sandbox/campus/live.ts';
import { DAY, dateText, HOUR } from '../../services/sandbox/campus/local-time.ts';
import { planCampus } from '../../services/sandbox/campus/people.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import type { StoryName } from '../../services/sandbox/campus/stories/story.ts';
import { readStories } from '../../services/sandbox/campus/stories/truth.ts';
import { sightsOf } from '../../services/sandbox/campus/worth-a-look.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';

const NOW = Date.UTC(2026, 4, 20, 14, 30);
const STUDENTS = 150;

let source: TestDatabase;
beforeAll(async () => {
  source = await createSourceDatabase('campus_truth');
  await seedCampus(source.db, { seed: 'spring', now: NOW, students: STUDENTS });
});
afterAll(() => source.drop());

const planned = planCampus('spring', NOW, STUDENTS);
const students = (story: StoryName): string[] => [
  ...new Set(planned.stories.filter((line) => line.story === story).map((line) => line.studentId)),
];

async function lives(from: number, steps: number): Promise<void> {
  let at = from;
  const clock = {
    now: () => {
      at += 1_000;
      return at;
    },
  };
  const living = liveSteps(source.db, { seed: `from ${from}`, clock });
  for (let step = 0; step < steps; step += 1) await living.step();
}

interface Deed {
  readonly student_id: string;
  readonly type: string;
  readonly at: string;
  readonly due_at: string | null;
}

/** What students themselves did from a moment on. */
const deedsSince = (from: number): Promise<Deed[]> =>
  source.db.query<Deed>(
    `SELECT student_id::text, activity_type AS type, timestamp::text AS at, metadata ->> 'due_at' AS due_at
     FROM activity_logs
     WHERE timestamp > $1::timestamp AND activity_type IN ('login', 'view', 'forum_post', 'submission', 'quiz_attempt', 'last_access')`,
    [new Date(from).toISOString().slice(0, 23)],
  );

test('the ground truth in the database is that of the plan, in a schema of its own', async () => {
  const stored = [...(await readStories(source.db)).values()].flat();
  const keyed = (lines: typeof stored) => new Map(lines.map((line) => [`${line.studentId}/${line.courseId}`, line]));
  expect(stored).toHaveLength(planned.stories.length);
  expect(keyed(stored)).toEqual(keyed([...planned.stories]));
  const tables = await source.db.query<{ name: string }>(
    `SELECT table_schema || '.' || table_name AS name FROM information_schema.tables
     WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 1`,
  );
  expect(tables.map(({ name }) => name)).toEqual([
    'campus.story',
    'public.activity_logs',
    'public.courses',
    'public.enrollments',
    'public.grades',
    'public.lms_sources',
    'public.students',
    'public.sync_logs',
  ]);
});

test('stories go on living: who has gone stays away, late submitters wait until it is due', async () => {
  // Two weeks later every fading student has gone, and new work is open.
  const from = NOW + 14 * DAY;
  await lives(from, 250);
  const deeds = await deedsSince(from);
  expect(deeds.length).toBeGreaterThan(300);
  const gone = planned.stories.filter((line) => line.story === 'fading away' && line.courseId === null);
  expect(gone.length).toBeGreaterThan(5);
  expect(deeds.filter((deed) => gone.some((line) => line.studentId === deed.student_id))).toEqual([]);
  const late = students('late submitter');
  const handedIn = deeds.filter((deed) => deed.type === 'submission' && late.includes(deed.student_id));
  for (const deed of handedIn) expect(Date.parse(deed.at)).toBeGreaterThan(Date.parse(deed.due_at ?? ''));
});

test('at night the owls are there, and hardly anybody else', async () => {
  const from = NOW + 15 * DAY + 11 * HOUR;
  await lives(from, 150);
  const owls = students('lone night owl');
  const logins = (await deedsSince(from)).filter((deed) => deed.type === 'login');
  expect(logins.length).toBeGreaterThan(20);
  expect(logins.filter((deed) => owls.includes(deed.student_id)).length).toBeGreaterThan(0.7 * logins.length);
});

test('each story has somebody worth a look, who has the story', async () => {
  const sights = await sightsOf(source.db);
  const stories = new Set(sights.map((sight) => sight.story));
  expect([...stories]).toHaveLength(6);
  for (const { story, studentId, startsOn } of sights) {
    expect(students(story)).toContain(studentId);
    const lines = planned.stories.filter((line) => line.studentId === studentId);
    expect(lines.map((line) => dateText(line.startsOn))).toContain(startsOn);
  }
});

test('a campus seeded before there were stories lives on without them', async () => {
  await source.db.query('DROP SCHEMA campus CASCADE');
  const from = NOW + 16 * DAY;
  await lives(from, 5);
  expect((await deedsSince(from)).length).toBeGreaterThan(0);
  const { seeded } = await seedCampus(source.db, { seed: 'spring', now: from });
  expect(seeded).toBe(false);
  expect(await sightsOf(source.db)).toEqual([]);
});

test('a campus seeded anew has its own stories alone', async () => {
  await source.db.query('TRUNCATE students, courses, enrollments, grades, activity_logs');
  await source.db.query(
    `INSERT INTO campus.story VALUES (gen_random_uuid(), NULL, 'steady', '2020-01-01', NULL, '{}')`,
  );
  await seedCampus(source.db, { seed: 'autumn', now: NOW, students: 12 });
  const lines = [...(await readStories(source.db)).values()].flat();
  expect(lines.length).toBe(planCampus('autumn', NOW, 12).stories.length);
});
