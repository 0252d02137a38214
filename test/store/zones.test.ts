import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openZone, tableZone, type Zone } from '#libs/domain/zone.ts';
import { firstDifference, readZone } from '#libs/store/schema/zones.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('zones');
});
afterAll(() => database.drop());

/** Every kind of summer time rule: half an hour, both hemispheres, by the moon, at midnight, abolished, a day left out. */
const ZONES = [
  'America/Vancouver',
  'America/St_Johns',
  'America/Sao_Paulo',
  'Africa/Casablanca',
  'Africa/Cairo',
  'Antarctica/Troll',
  'Asia/Kathmandu',
  'Asia/Tehran',
  'Australia/Lord_Howe',
  'Europe/Paris',
  'Europe/Dublin',
  'Pacific/Apia',
  'Pacific/Chatham',
  'Asia/Pyongyang',
];

interface Row {
  readonly local: bigint;
  readonly instant: bigint;
}

const SHIFT = `extract(epoch FROM t AT TIME ZONE $1)::bigint`;
/** Postgres' local clock at each step of absolute time, and its instant at each step of local time. */
const CLOCKS = `SELECT extract(epoch FROM t)::bigint AS instant, ${SHIFT} AS local
  FROM generate_series($2::timestamptz, $3::timestamptz, $4::interval) AS t`;
const INSTANTS = `SELECT extract(epoch FROM t)::bigint AS local, ${SHIFT} AS instant
  FROM generate_series($2::timestamp, $3::timestamp, $4::interval) AS t`;

async function disagreements(zone: Zone, from: string, to: string, step: string): Promise<number> {
  const values = [zone.name, from, to, step];
  const clocks = await database.db.query<Row>(CLOCKS, values);
  const instants = await database.db.query<Row>(INSTANTS, values);
  expect(clocks.length).toBeGreaterThan(1000);
  return (
    clocks.filter(({ instant, local }) => zone.offsetAt(Number(instant) * 1000) !== Number(local - instant) * 1000)
      .length +
    instants.filter(({ instant, local }) => zone.toInstant(Number(local) * 1000) !== Number(instant) * 1000).length
  );
}

describe('a zone read from the database is what AT TIME ZONE does there', () => {
  test.each(ZONES)('%s', async (name) => {
    const { zone } = await readZone(database.db, { name });
    expect(await disagreements(zone, '2000-01-01', '2050-01-01', '7:30')).toBe(0);
    expect(await disagreements(zone, '2185-01-01', '2200-01-01', '7:30')).toBe(0);
    expect(await disagreements(zone, '2026-01-01', '2027-12-31', '0:10')).toBe(0);
  });

  test('whatever the session calls its own', async () => {
    const here = await readZone(database.db, { name: 'Europe/Paris' });
    const elsewhere = await database.db.transaction(async (tx) => {
      await tx.query(`SET LOCAL timezone = 'America/New_York'`);
      return readZone(tx, { name: 'Europe/Paris' });
    });
    expect(elsewhere.fingerprint).toBe(here.fingerprint);
    expect(elsewhere.transitions).toEqual(here.transitions);
  });
});

test('UTC needs no zone data', async () => {
  const { zone, transitions } = await readZone(database.db, { name: 'Etc/UTC' });
  expect(zone.name).toBe('Etc/UTC');
  expect(zone.offsetAt(0)).toBe(0);
  expect(transitions).toEqual([]);
});

test('a zone that the database does not know is named', async () => {
  await expect(readZone(database.db, { name: 'Europe/Atlantis' })).rejects.toThrow(
    'the analytics database does not know the time zone Europe/Atlantis',
  );
});

test('other moves of the clock have another fingerprint', async () => {
  const [paris, berlin, london] = await Promise.all(
    ['Europe/Paris', 'Europe/Berlin', 'Europe/London'].map((name) => readZone(database.db, { name })),
  );
  expect(paris?.fingerprint).toBe(berlin?.fingerprint);
  expect(paris?.fingerprint).not.toBe(london?.fingerprint);
});

describe('zone data that differ', () => {
  const at = Date.UTC(2026, 10, 1, 9);
  const HOUR = 3_600_000;

  test('are found where one set of rules has ended and the other goes on', async () => {
    const stored = { zone: tableZone('X/Y', -7 * HOUR, []), fingerprint: '', transitions: [] };
    const other = tableZone('X/Y', -7 * HOUR, [
      { at, offset: -8 * HOUR },
      { at: at + 130 * 86_400_000, offset: -7 * HOUR },
    ]);
    expect(firstDifference(stored, other)).toBe(at);
  });

  test('are found to the second at a move that the database knows', () => {
    const stored = { zone: tableZone('X/Y', 0, [{ at, offset: HOUR }]), fingerprint: '', transitions: [at] };
    expect(firstDifference(stored, tableZone('X/Y', 0, [{ at: at + 1000, offset: HOUR }]))).toBe(at);
    expect(firstDifference(stored, tableZone('X/Y', 0, [{ at: at - 1000, offset: HOUR }]))).toBe(at - 1000);
    expect(firstDifference(stored, stored.zone)).toBeNull();
  });

  test('are not found where they are the same in Node and in Postgres', async () => {
    const name = 'Asia/Kolkata';
    expect(firstDifference(await readZone(database.db, { name }), openZone(name))).toBeNull();
  });
});
