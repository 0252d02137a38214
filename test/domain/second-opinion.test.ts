import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { parseScaled, roundRatio } from '#libs/domain/rational.ts';
import { openZone, type Zone } from '#libs/domain/zone.ts';
import { firstDifference, readZone, type StoredZone } from '#libs/store/schema/zones.ts';
import { chanceOf } from '../property/disturbance.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** Zones and rounding are defined as "what Postgres does", so Postgres itself is asked. */
let postgres: TestDatabase;
beforeAll(async () => {
  postgres = await createTestDatabase('second_opinion', 2);
});
afterAll(() => postgres.drop());

const HOUR = 3_600_000;

/** Every instant in the year at which the zone's clock changes, to the second. */
function movesIn(zone: Zone, year: number): number[] {
  const moves: number[] = [];
  const end = Date.UTC(year + 1, 0, 1);
  for (let from = Date.UTC(year, 0, 1); from < end; from += MS_PER_DAY) {
    let [low, high] = [from, from + MS_PER_DAY];
    if (zone.offsetAt(low) === zone.offsetAt(high)) continue;
    while (high - low > 1000) {
      const middle = low + Math.floor((high - low) / 2000) * 1000;
      if (zone.offsetAt(middle) === zone.offsetAt(low)) low = middle;
      else high = middle;
    }
    moves.push(high);
  }
  return moves;
}

const ZONES = [
  'Europe/Paris',
  'Europe/London',
  'Europe/Dublin',
  'America/New_York',
  'America/St_Johns',
  'America/Sao_Paulo',
  'America/Santiago',
  'America/Havana',
  'Australia/Lord_Howe',
  'Australia/Adelaide',
  'Pacific/Auckland',
  'Pacific/Chatham',
  'Pacific/Apia',
  'Asia/Kolkata',
  'Asia/Tehran',
  'Asia/Pyongyang',
  'Africa/Casablanca',
  'UTC',
];
const YEARS = [2000, 2007, 2010, 2011, 2015, 2018, 2020, 2026, 2036, 2038, 2100, 2199];

/** Local times around every clock change, half of them within its gap or overlap, and some at random. */
function localTimes(zone: Zone): number[] {
  const chance = chanceOf(20_260_320);
  return YEARS.flatMap((year) => {
    const around = movesIn(zone, year).flatMap((move) => {
      const [before, after] = [zone.offsetAt(move - 1), zone.offsetAt(move)];
      const edges = [move + before, move + after].flatMap((edge) => [edge - 1, edge, edge + 1]);
      const between = Array.from({ length: 4 }, () => move + before + Math.round(chance() * (after - before)));
      const near = Array.from({ length: 4 }, () => move + before + Math.round((chance() - 0.5) * 60 * HOUR));
      return [...edges, ...between, ...near];
    });
    const anywhere = Array.from({ length: 4 }, () => Date.UTC(year, 0, 1) + Math.floor(chance() * 365 * MS_PER_DAY));
    return [...around, ...anywhere];
  });
}

/**
 * When a country decides, either Node or this server hears of it first: they may differ from then on, but not before.
 * @returns the times before that
 */
async function knownToBoth(zone: Zone, times: readonly number[]): Promise<number[]> {
  const differs = firstDifference(await readZone(postgres.db, zone), zone) ?? Number.POSITIVE_INFINITY;
  expect(differs).toBeGreaterThan(Date.UTC(2025, 0, 1));
  return times.filter((time) => time < differs - 2 * MS_PER_DAY);
}

describe('zones', () => {
  test('of nearly all of them Node and Postgres know the same', async () => {
    const stored = await Promise.all(ZONES.map((name) => readZone(postgres.db, { name })));
    const differing = ZONES.filter(
      (name, index) => firstDifference(stored[index] as StoredZone, openZone(name)) !== null,
    );
    expect(differing.length).toBeLessThan(4);
  });

  test.each(ZONES)('%s: local times become the instants of AT TIME ZONE', async (name) => {
    const zone = openZone(name);
    const locals = await knownToBoth(zone, localTimes(zone));
    const rows = await postgres.db.query<{ ms: number }>(
      `SELECT (extract(epoch FROM local::timestamp AT TIME ZONE $2) * 1000)::double precision AS ms
       FROM unnest($1::text[]) WITH ORDINALITY AS t (local, n) ORDER BY n`,
      [locals.map((local) => new Date(local).toISOString().slice(0, -1)), name],
    );
    const show = (local: number, instant: number | undefined): string =>
      `${new Date(local).toISOString().slice(0, -1)} is ${new Date(instant ?? Number.NaN).toISOString()}`;
    expect(locals.length).toBeGreaterThan(40);
    expect(locals.map((local) => show(local, zone.toInstant(local)))).toEqual(
      locals.map((local, index) => show(local, rows[index]?.ms)),
    );
  });

  test.each(ZONES)('%s: instants fall on the days of AT TIME ZONE', async (name) => {
    const zone = openZone(name);
    // Instants around midnights and clock changes: the same times, read as UTC.
    const instants = (await knownToBoth(zone, localTimes(zone))).map((local) => zone.toInstant(local));
    const midnights = instants.flatMap((instant) => {
      const midnight = Math.floor(instant / MS_PER_DAY) * MS_PER_DAY - zone.offsetAt(instant);
      return [midnight - 1, midnight, midnight + 1];
    });
    const all = [...instants, ...midnights];
    const rows = await postgres.db.query<{ day: number }>(
      `SELECT (moment::timestamptz AT TIME ZONE $2)::date - date '1970-01-01' AS day
       FROM unnest($1::text[]) WITH ORDINALITY AS t (moment, n) ORDER BY n`,
      [all.map((instant) => new Date(instant).toISOString()), name],
    );
    const show = (instant: number, day: number | undefined): string => `${new Date(instant).toISOString()} on ${day}`;
    expect(all.map((instant) => show(instant, zone.dayOf(instant)))).toEqual(
      all.map((instant, index) => show(instant, rows[index]?.day)),
    );
  });

  test('a name means what it means to AT TIME ZONE, or is refused', async () => {
    // Postgres reads a short name as an abbreviation first: CET is +1 all year round, IST is Israel's +2.
    const names = [
      'UTC',
      'GMT',
      'Z',
      'EST',
      'MST',
      'HST',
      'CET',
      'EET',
      'MET',
      'WET',
      'PST',
      'CST',
      'IST',
      'BST',
      'EST5EDT',
      'Etc/GMT+5',
      '+02:00',
      'UTC+2',
    ];
    const noon = Date.UTC(2026, 6, 15, 12);
    const different: string[] = [];
    for (const name of names) {
      let instant: number;
      try {
        instant = openZone(name).toInstant(noon);
      } catch {
        continue;
      }
      const [row] = await postgres.db.query<{ ms: number }>(
        `SELECT (extract(epoch FROM timestamp '2026-07-15 12:00' AT TIME ZONE $1) * 1000)::double precision AS ms`,
        [name],
      );
      const offsets = [noon - instant, noon - (row?.ms ?? Number.NaN)].map((offset) => offset / HOUR);
      if (offsets[0] !== offsets[1]) different.push(`${name}: ${offsets[0]} h, Postgres ${offsets[1]} h`);
    }
    expect(different).toEqual([]);
  });
});

describe('rounding', () => {
  const chance = chanceOf(7);
  const digits = (n: number): string => Array.from({ length: n }, () => Math.floor(chance() * 10)).join('');
  /** Decimals, every other one a tie at the fifth place. */
  const decimals = Array.from({ length: 400 }, (_, n) => {
    const fraction = n % 2 === 0 ? `${digits(5)}5` : digits(1 + Math.floor(chance() * 12));
    return `${n % 3 === 0 ? '-' : ''}${digits(1 + Math.floor(chance() * 20))}.${fraction}`;
  });

  test('decimal text is scaled as round(numeric) rounds', async () => {
    const rows = await postgres.db.query<{ scaled: string }>(
      `SELECT round(x::numeric * 100000)::text AS scaled FROM unnest($1::text[]) WITH ORDINALITY AS t (x, n) ORDER BY n`,
      [decimals],
    );
    expect(decimals.map((text) => parseScaled(text, 5)?.toString())).toEqual(rows.map((row) => row.scaled));
  });

  test('quotients that end are rounded as round(numeric) rounds them', async () => {
    // The denominator is a power of two: the quotient is finite, so Postgres' own division loses nothing.
    const pairs = Array.from({ length: 400 }, () => ({
      numerator: BigInt(Math.floor((chance() - 0.5) * 1e9)),
      denominator: 2n ** BigInt(Math.floor(chance() * 10)),
    }));
    const rows = await postgres.db.query<{ rounded: string }>(
      `SELECT round(a::numeric(60, 30) / b::numeric, 2)::text AS rounded
       FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS t (a, b, n) ORDER BY n`,
      [pairs.map((pair) => pair.numerator.toString()), pairs.map((pair) => pair.denominator.toString())],
    );
    expect(pairs.map((pair) => roundRatio(pair.numerator, pair.denominator, 2))).toEqual(
      rows.map((row) => row.rounded),
    );
  });
});
