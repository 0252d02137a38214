import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { formatDay, MS_PER_DAY, parseDay } from '#libs/domain/local-date.ts';
import { openZone } from '#libs/domain/zone.ts';
import type { Loop } from '#libs/pipeline/loop.ts';
import { startRollover } from '#libs/pipeline/rollover.ts';
import { Wake } from '#libs/pipeline/wake.ts';
import { readToday } from '#libs/store/calendar.ts';
import { migrate } from '#libs/store/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let analytics: TestDatabase;
let said: string[] = [];
let rollover: Loop | undefined;

beforeAll(async () => {
  analytics = await createTestDatabase('rollover');
  await migrate(analytics.db);
});
afterAll(() => analytics.drop());
beforeEach(async () => {
  said = [];
  await analytics.db.query('DELETE FROM state.calendar');
});

const log = pino({}, { write: (line: string) => said.push(String((JSON.parse(line) as { msg?: string }).msg)) });
const today = async (): Promise<string> => formatDay(await readToday(analytics.db));

/** Starts with the clock at noon of a day; the answer sets it. */
async function start(day: string): Promise<(to: string) => void> {
  let now = parseDay(day) * MS_PER_DAY + MS_PER_DAY / 2;
  const options = { db: analytics.db, institutionZone: openZone('UTC'), wake: new Wake(), log };
  rollover = await startRollover({ ...options, clock: { now: () => now } });
  return (to) => {
    now = parseDay(to) * MS_PER_DAY + MS_PER_DAY / 2;
  };
}

async function eventually(expected: string): Promise<void> {
  while ((await today()) !== expected) await sleep(20);
}

test('a new day begins when the clock has come to it, also after days slept through', async () => {
  const setClock = await start('2026-03-01');
  expect(await today()).toBe('2026-03-01');
  setClock('2026-03-02');
  await eventually('2026-03-02');
  setClock('2026-03-09');
  await eventually('2026-03-09');
  await rollover?.stop();
  expect(said.filter((text) => text === 'a new day has begun')).toHaveLength(2);
});

test('a clock that is set back takes no day back; that is said once, with both days and what to check', async () => {
  const setClock = await start('2026-03-09');
  setClock('2026-03-01');
  while (said.length === 0) await sleep(20);
  await sleep(1_200);
  expect(await today()).toBe('2026-03-09');
  expect(said).toHaveLength(1);
  expect(said[0]).toMatch(/clock says 2026-03-01, .* seen 2026-03-09 begin.*check the clock and INSTITUTION_TIMEZONE/);
  setClock('2026-03-10');
  await eventually('2026-03-10');
  await rollover?.stop();
});
