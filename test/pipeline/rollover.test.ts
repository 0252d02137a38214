import { setTimeout as sleep } from 'node:timers/promises';
import { pino } from 'pino';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { formatDay, MS_PER_DAY, parseDay } from '#libs/domain/local-date.ts';
import { openZone } from '#libs/domain/zone.ts';
import { startRollover } from '#libs/pipeline/rollover.ts';
import { readDays } from '#libs/pipeline/today.ts';
import { Work } from '#libs/pipeline/work.ts';
import type { Loop } from '#libs/platform/loop/loop.ts';
import { readToday } from '#libs/store/keys/calendar.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';

let analytics: TestDatabase;
let said: string[] = [];
let rollover: Loop | undefined;

beforeAll(async () => {
  analytics = await createAnalyticsDatabase('rollover');
});
afterAll(() => analytics.drop());
beforeEach(async () => {
  said = [];
  await analytics.db.query('DELETE FROM state.calendar');
});

const log = pino({}, { write: (line: string) => said.push(String((JSON.parse(line) as { msg?: string }).msg)) });
const today = async (): Promise<string> => formatDay(await readToday(analytics.db));

/** Starts with the clock at noon of a day; the returned function moves it to another. */
async function start(day: string): Promise<(to: string) => void> {
  let now = parseDay(day) * MS_PER_DAY + MS_PER_DAY / 2;
  const options = { db: analytics.db, institutionZone: openZone('UTC'), work: new Work(), log };
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

test('a clock that is set back takes no day back; that is a trouble, said once in the log, with both days and what to do', async () => {
  const setClock = await start('2026-03-09');
  setClock('2026-03-01');
  while (said.length === 0) await sleep(20);
  await sleep(1_200);
  expect(await today()).toBe('2026-03-09');
  expect(said).toEqual([
    expect.stringMatching(/speak for 2026-03-09, and the clock of .* says 2026-03-01: .* npm run today -- --set-back/),
  ]);
  expect(rollover?.trouble).toBe(said[0]);
  setClock('2026-03-10');
  await eventually('2026-03-10');
  while (rollover?.trouble !== null) await sleep(20);
  await rollover?.stop();
});

test('a clock that is a little behind another that has begun the day is no trouble', async () => {
  await analytics.db.query(`INSERT INTO state.calendar (today) VALUES ('2026-03-10')`);
  const minutes = (before: number): number => parseDay('2026-03-10') * MS_PER_DAY - before * 60_000;
  for (const [before, isTrouble] of [
    [59, false],
    [61, true],
  ] as const) {
    const options = { db: analytics.db, institutionZone: openZone('UTC'), work: new Work(), log };
    rollover = await startRollover({ ...options, clock: { now: () => minutes(before) } });
    await sleep(300);
    expect(rollover.trouble !== null).toBe(isTrouble);
    await rollover.stop();
  }
});

test('which day it is by both accounts is not told where the clocks disagree, nor of a database without features', async () => {
  const clock = (now: number) => ({ now: () => now });
  await expect(readDays(analytics.db, clock(Date.now()))).rejects.toThrow('no features yet');
  const described = { INSTITUTION_TIMEZONE: 'Pacific/Kiritimati' };
  await analytics.db.query(`INSERT INTO state.settings (fingerprint, described) VALUES ('', $1)`, [
    JSON.stringify(described),
  ]);
  await analytics.db.query(`INSERT INTO state.calendar (today) VALUES ('2026-03-10')`);
  await expect(readDays(analytics.db, clock(Date.now() - 3 * MS_PER_DAY))).rejects.toThrow(
    /the clock of this machine says .*, and that of the analytics database/,
  );
  const now = Date.now();
  expect(await readDays(analytics.db, clock(now))).toEqual({
    today: parseDay('2026-03-10'),
    present: Math.floor((now + 14 * 3_600_000) / MS_PER_DAY),
    zone: 'Pacific/Kiritimati',
  });
});
