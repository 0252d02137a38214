import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Database, openDatabase } from '#libs/platform/postgres/database.ts';
import { type LiveEvent, type LiveTrouble, liveOn, liveSteps } from '../../services/sandbox/campus/live.ts';
import { LIVE_KINDS } from '../../services/sandbox/campus/live-actions.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';

const NOW = Date.UTC(2026, 4, 20, 14, 30);

let source: TestDatabase;
beforeAll(async () => {
  source = await createSourceDatabase('campus_live');
  await seedCampus(source.db, { seed: 'spring', now: NOW, students: 100 });
});
afterAll(() => source.drop());

/** A clock that advances by a second between two readings. */
const tickingClock = (start: number) => {
  let at = start;
  return {
    now: () => {
      at += 1_000;
      return at;
    },
  };
};

async function number(db: Database, text: string): Promise<number> {
  const [row] = await db.query<{ n: number }>(text);
  return row?.n ?? Number.NaN;
}

test('a living campus does a bit of everything, each told in a sentence, and nothing in a course that ended', async () => {
  const clock = tickingClock(NOW);
  const events: LiveEvent[] = [];
  const steps = liveSteps(source.db, { seed: 'spring', clock, onEvent: (event) => events.push(event) });
  const ended = `SELECT (SELECT count(*)::int FROM activity_logs a JOIN courses c ON c.id = course_id WHERE shortname = 'PHY')
    + (SELECT count(*)::int FROM enrollments e JOIN courses c ON c.id = course_id WHERE shortname = 'PHY') AS n`;
  const endedBefore = await number(source.db, ended);
  for (let step = 0; step < 300; step += 1) await steps.step();
  await steps.resyncOne();

  expect(new Set(events.map((event) => event.kind))).toEqual(new Set([...LIVE_KINDS, 'resync']));
  for (const { sentence } of events) expect(sentence).toMatch(/^\S.{10,200}[^.\s]$/);
  const submission = events.find((event) => event.kind === 'submission')?.sentence;
  expect(submission).toMatch(/^[A-Z]\w+ [A-Z]\w+ handed in .+ in [A-Z].+$/);
  expect(await number(source.db, ended)).toBe(endedBefore);
  const late = `SELECT count(*)::int AS n FROM activity_logs WHERE timestamp > to_timestamp(${clock.now() / 1000}) AT TIME ZONE 'UTC'`;
  expect(await number(source.db, late)).toBe(0);
});

test('the same seed and clock live the same life', async () => {
  const live = async (name: string) => {
    const campus = await createSourceDatabase(name);
    try {
      await seedCampus(campus.db, { seed: 'twin', now: NOW, students: 25 });
      const events: LiveEvent[] = [];
      const steps = liveSteps(campus.db, {
        seed: 'twin',
        clock: tickingClock(NOW),
        onEvent: (event) => events.push(event),
      });
      for (let step = 0; step < 40; step += 1) await steps.step();
      return events;
    } finally {
      await campus.drop();
    }
  };
  expect(await live('campus_twin_a')).toEqual(await live('campus_twin_b'));
});

test('it lives at its pace until stopped, re-syncs, and writes nothing afterwards', async () => {
  const events: LiveEvent[] = [];
  const campus = liveOn(source.db, {
    seed: 'pace',
    clock: { now: () => NOW + 3_600_000 },
    paceMs: 1,
    resyncEveryMs: 50,
    onEvent: (event) => {
      events.push(event);
      // A failing listener does no harm.
      throw new Error('a listener that fails');
    },
  });
  // Until both are seen, however slow the machine is; the test's own timeout ends it.
  while (events.length <= 5 || !events.some((event) => event.kind === 'resync')) await sleep(20);
  await campus.stop();
  await campus.stop();
  const rows = 'SELECT (SELECT count(*)::int FROM activity_logs) + (SELECT count(*)::int FROM grades) AS n';
  const after = await number(source.db, rows);
  await sleep(100);
  expect(await number(source.db, rows)).toBe(after);
});

test('while the database is away it says so and waits ever longer; then it goes on', async () => {
  const away = openDatabase(source.address, { connections: 2, onIdleError: () => {} });
  let broken = true;
  const db: Database = {
    ...away,
    query: (statement, values) =>
      broken ? Promise.reject(new Error('Connection terminated unexpectedly')) : away.query(statement, values),
  };
  const troubles: LiveTrouble[] = [];
  const events: LiveEvent[] = [];
  const campus = liveOn(db, {
    seed: 'away',
    clock: { now: () => NOW + 7_200_000 },
    paceMs: 1,
    resyncEveryMs: 0,
    longestRetryMs: 300,
    onEvent: (event) => events.push(event),
    onTrouble: (trouble) => {
      troubles.push(trouble);
      throw new Error('a listener that fails');
    },
  });
  while (troubles.length < 3) await sleep(10);
  expect(events).toEqual([]);
  broken = false;
  while (events.length === 0) await sleep(10);
  // Once more, with connections that really break.
  await source.db.query(
    'SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()',
  );
  const before = events.length;
  while (events.length < before + 5) await sleep(10);
  await campus.stop();
  await away.close();
  expect(troubles.slice(0, 3).map((trouble) => trouble.retryInMs)).toEqual([100, 200, 300]);
  expect(troubles[0]?.error.message).toContain('Connection terminated');
});

test('on a database without a campus it waits without a word', async () => {
  const empty = await createSourceDatabase('campus_empty');
  try {
    const steps = liveSteps(empty.db, { seed: 'nobody' });
    expect(await steps.step()).toEqual([]);
    expect(await steps.resyncOne()).toBeNull();
  } finally {
    await empty.drop();
  }
});

test('nights are slower, but never dead', () => {
  const at = (hour: number) =>
    liveSteps(source.db, { seed: 'hours', clock: { now: () => Date.UTC(2026, 4, 20, hour) } }).slowness();
  expect(at(15)).toBeCloseTo(1);
  expect(at(3)).toBeCloseTo(1.6);
});
