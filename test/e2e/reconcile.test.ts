import { afterAll, beforeAll, expect, test } from 'vitest';
import { totalsOf, type Verdict } from '#libs/domain/run.ts';
import { Program, runCommand } from './program.ts';
import { seededDataDir } from './seeded.ts';

/* The nightly reconcile as a user runs it: over the API and from the command line, while the campus lives. */

let program: Program;

beforeAll(async () => {
  // Nothing is scheduled, whatever the hour, so that runs come one at a time.
  program = new Program(await seededDataDir(), { CAMPUS_PACE_MS: '100', PIPELINE_SCHEDULE: 'off' });
  await program.start().untilReady();
}, 240_000);
afterAll(() => program?.cleanUp(), 60_000);

interface RunBody {
  readonly run_id: string;
  readonly status: string;
  readonly reason: string | null;
  readonly verdict: Verdict;
  readonly records_processed: number;
}

async function trigger(body: object): Promise<RunBody> {
  const answer = await fetch(`${program.url}/api/pipeline/trigger?wait=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  const run = (await answer.json()) as RunBody;
  expect(run).toMatchObject({ status: 'succeeded', reason: null });
  return run;
}

const reconcile = (...args: string[]) =>
  runCommand(['services/reconcile/main.ts', '--once', ...args], { DATA_DIR: program.dataDir, LOG_LEVEL: 'warn' });

test('a campus that lives is reconciled without a single difference, and the API says so', async () => {
  const { verdict, run_id, records_processed } = await trigger({ mode: 'reconcile' });
  expect(verdict.kinds).toEqual({});
  expect(totalsOf(verdict)).toMatchObject({ different: 0, left: 0 });
  expect(totalsOf(verdict).equal).toBeGreaterThan(100_000);
  expect(records_processed).toBeGreaterThan(10_000);
  const { body } = await program.get('/api/freshness');
  expect(body).toMatchObject({ reconcile: { run_id, status: 'succeeded', verdict: { different: 0, left: 0 } } });
  const { analytics, close } = program.open();
  const [logged] = await analytics.query<{ details: { verdict: Verdict } }>(
    'SELECT details FROM pipeline_logs WHERE run_id = $1',
    [run_id],
  );
  await close();
  expect(logged?.details.verdict).toEqual(verdict);
});

test('what was changed behind its back is shown by a dry run as a table, and repaired by the next', async () => {
  const { analytics, close } = program.open();
  const [grade] = await analytics.query<{ student_id: number; course_id: number }>(
    `UPDATE performance_features SET success_rate = 1.23
     WHERE (student_id, course_id) IN (SELECT student_id, course_id FROM performance_features WHERE success_rate > 2 LIMIT 1)
     RETURNING student_id, course_id`,
  );
  const key = `${grade?.student_id}/${grade?.course_id}`;

  const dry = await reconcile('--dry-run');
  expect(dry.output).toMatch(/rows +equal +mismatched +missing +extra +repaired\n/);
  expect(dry.output).toMatch(/features +equal +mismatched +missing +extra +repaired\n/);
  expect(dry.output).toMatch(/performance_features\.success_rate +[\d,]+ +1 +0 +0 +0\n/);
  expect(dry.output).toContain('value differs: 1');
  expect(dry.output).toMatch(new RegExp(`performance_features.success_rate ${key}: value differs, 1.23 instead of`));
  expect(dry.output).toContain('1 differ: 0 repaired, 1 left.');
  expect(dry.code).toBe(1);

  const { verdict } = await trigger({ mode: 'reconcile', course_id: grade?.course_id });
  expect(totalsOf(verdict)).toMatchObject({ different: 1, repaired: 1, left: 0 });
  const [repaired] = await analytics.query<{ success_rate: string }>(
    'SELECT success_rate FROM performance_features WHERE student_id = $1 AND course_id = $2',
    [grade?.student_id ?? 0, grade?.course_id ?? 0],
  );
  await close();
  expect(repaired?.success_rate).not.toBe('1.23');

  const again = await reconcile();
  expect(again.output).toMatch(/All [\d,]+ are equal\./);
  expect(again.code).toBe(0);
});

test('a backfill computes days again and says which have changed', async () => {
  const { analytics, close } = program.open();
  // In the quietest course: where something is happening, a deriver repairs the day before the run sees it.
  const [day] = await analytics.query<{ student_id: number; course_id: number; first_day: string }>(
    `UPDATE state.engagement_series SET score[1] = 9999
     WHERE (student_id, course_id) IN (
       SELECT student_id, course_id FROM engagement_features JOIN state.engagement_series USING (student_id, course_id)
       ORDER BY last_activity_at NULLS FIRST LIMIT 1)
     RETURNING student_id, course_id, first_day`,
  );
  const { verdict } = await trigger({ mode: 'backfill', from: day?.first_day, course_id: day?.course_id });
  const [{ score } = { score: 0 }] = await analytics.query<{ score: number }>(
    'SELECT score[1] AS score FROM state.engagement_series WHERE student_id = $1 AND course_id = $2',
    [day?.student_id ?? 0, day?.course_id ?? 0],
  );
  await close();
  expect(score).not.toBe(9999);
  expect(verdict.features['engagement_series.score']).toMatchObject({ mismatched: 1, repaired: 1 });
  expect(verdict.examples[0]?.key).toBe(`${day?.student_id}/${day?.course_id}/${day?.first_day}`);
  expect(verdict.tables).toEqual({});
});
