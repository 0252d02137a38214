import { afterEach, describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { parseSchedule } from '#libs/platform/schedule.ts';

const at = (text: string): number => Date.parse(text);
const last = (pattern: string, now: string): string | null => {
  const found = parseSchedule(pattern).lastUntil(at(now));
  return found === null ? null : new Date(found).toISOString();
};

describe('the last time of a schedule', () => {
  test.each([
    ['0 2 * * *', '2026-03-20T02:00:00.000Z', '2026-03-20T02:00:00.000Z'],
    ['0 2 * * *', '2026-03-20T01:59:59.999Z', '2026-03-19T02:00:00.000Z'],
    ['0 2 * * *', '2026-03-20T02:00:00.999Z', '2026-03-20T02:00:00.000Z'],
    ['0 2 * * *', '2026-01-01T00:00:00.000Z', '2025-12-31T02:00:00.000Z'],
    ['*/15 * * * *', '2026-03-20T10:44:59.999Z', '2026-03-20T10:30:00.000Z'],
    ['30 4 * * SUN', '2026-03-20T10:00:00.000Z', '2026-03-15T04:30:00.000Z'],
    ['0 2 29 2 *', '2026-03-20T10:00:00.000Z', '2024-02-29T02:00:00.000Z'],
  ])('%s at %s was %s', (pattern, now, expected) => {
    expect(last(pattern, now)).toBe(expected);
  });

  test('is found whichever way the clock goes', () => {
    const { lastUntil } = parseSchedule('0 2 * * *');
    const nows = [
      '2026-03-20T03:00Z',
      '2026-03-21T01:59Z',
      '2026-03-21T02:00Z',
      '2026-03-20T01:00Z',
      '2030-07-01T12:00Z',
    ];
    expect(nows.map((now) => new Date(lastUntil(at(now)) ?? 0).toISOString().slice(0, 13))).toEqual([
      '2026-03-20T02',
      '2026-03-20T02',
      '2026-03-21T02',
      '2026-03-19T02',
      '2030-07-01T02',
    ]);
  });
});

describe('nights in which clocks are moved', () => {
  const zone = process.env['TZ'];
  afterEach(() => {
    if (zone === undefined) delete process.env['TZ'];
    else process.env['TZ'] = zone;
  });

  // The hour after 02:00 local time does not exist in one of these nights, and exists twice in the other.
  test.each(['Europe/Paris', 'America/New_York', 'Australia/Lord_Howe', 'UTC'])(
    'have one time each, on a machine in %s',
    (name) => {
      process.env['TZ'] = name;
      const { lastUntil } = parseSchedule('0 2 * * *');
      for (const night of ['2026-03-08', '2026-03-29', '2026-10-25', '2026-11-01', '2026-04-05', '2026-10-04']) {
        const seen = new Set<number | null>();
        const midnight = at(`${night}T00:00Z`);
        for (let minute = -600; minute < 24 * 60 + 600; minute += 10) seen.add(lastUntil(midnight + minute * 60_000));
        const ofThisDay = [...seen].filter((time) => time !== null && time >= midnight && time < midnight + 86_400_000);
        expect(ofThisDay).toEqual([midnight + 2 * 3_600_000]);
      }
    },
  );
});

describe('PIPELINE_SCHEDULE', () => {
  const load = (value?: string) =>
    loadConfig(value === undefined ? {} : { PIPELINE_SCHEDULE: value }).PIPELINE_SCHEDULE;

  test('is two in the morning unless it is set, and may be off', () => {
    expect(load()?.pattern).toBe('0 2 * * *');
    expect(load(' 30 3 * * MON-FRI ')?.pattern).toBe('30 3 * * MON-FRI');
    for (const off of ['off', 'OFF', ' off ']) expect(load(off)).toBeNull();
  });

  test.each([
    'daily',
    '0 2 * *',
    '60 2 * * *',
    '0 2 * * * *',
    '0 2 31 2 *',
    '0 2 * * FOO',
    '* * * * * * *',
    '-1 * * * *',
  ])('%s is refused, and the setting named', (value) => {
    expect(() => load(value)).toThrow(ConfigurationError);
    expect(() => load(value)).toThrow(`PIPELINE_SCHEDULE=${value} is not a cron pattern of five fields`);
  });
});
