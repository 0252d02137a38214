import { describe, expect, test } from 'vitest';
import { readInstant } from '#libs/clean/time.ts';
import { openZone } from '#libs/domain/zone.ts';
import { ms } from './build.ts';

const read = (local: string, zone = 'UTC'): string | null => {
  const instant = readInstant(ms(local), openZone(zone));
  return instant === null ? null : new Date(instant).toISOString();
};

describe('an instant before 2000-01-01T00:00Z or from 2200-01-01T00:00Z on is missing', () => {
  const FIRST = '2000-01-01T00:00:00.000Z';
  const LAST = '2199-12-31T23:59:59.999Z';

  test.each([
    ['the last instant before', 'UTC', '1999-12-31T23:59:59.999', null],
    ['the first', 'UTC', '2000-01-01T00:00:00', FIRST],
    ['the last', 'UTC', '2199-12-31T23:59:59.999', LAST],
    ['the first after', 'UTC', '2200-01-01T00:00:00', null],
    ['what Moodle writes for never', 'UTC', '1970-01-01T00:00:00', null],
    ['the end of the calendar', 'UTC', '9999-12-31T23:59:59', null],
    ['the time before Christ', 'UTC', '-000044-03-15T12:00:00', null],
    // The instant counts, not the local clock.
    ['2000 in Paris, but 1999 in UTC', 'Europe/Paris', '2000-01-01T00:59:59.999', null],
    ['the first, in Paris', 'Europe/Paris', '2000-01-01T01:00:00', FIRST],
    ['the last, in Paris', 'Europe/Paris', '2200-01-01T00:59:59.999', LAST],
    ['the first after, in Paris', 'Europe/Paris', '2200-01-01T01:00:00', null],
    ['too early, in New York', 'America/New_York', '1999-12-31T18:59:59.999', null],
    ['1999 in New York, but 2000 in UTC', 'America/New_York', '1999-12-31T19:00:00', FIRST],
    ['the last, in New York', 'America/New_York', '2199-12-31T18:59:59.999', LAST],
    ['2199 in New York, but 2200 in UTC', 'America/New_York', '2199-12-31T19:00:00', null],
    ['the first, furthest east', 'Pacific/Kiritimati', '2000-01-01T14:00:00', FIRST],
    ['too early, furthest east', 'Pacific/Kiritimati', '2000-01-01T13:59:59.999', null],
    ['the first, furthest west', 'Etc/GMT+12', '1999-12-31T12:00:00', FIRST],
    ['too early, furthest west', 'Etc/GMT+12', '1999-12-31T11:59:59.999', null],
  ])('%s (%s %s)', (_what, zone, local, expected) => {
    expect(read(local, zone)).toBe(expected);
  });

  // Postgres has years up to 294276, for which nobody knows a place's clock.
  test.each([
    ['the infinite future', Number.POSITIVE_INFINITY],
    ['the infinite past', Number.NEGATIVE_INFINITY],
    ['the greatest time that is held', Number.MAX_SAFE_INTEGER],
    ['the least', Number.MIN_SAFE_INTEGER],
  ])('%s, also where clocks are moved', (_what, local) => {
    expect(readInstant(local, openZone('Europe/Paris'))).toBeNull();
    expect(readInstant(local, openZone('UTC'))).toBeNull();
  });

  test('no time is no instant', () => {
    expect(readInstant(null, openZone('UTC'))).toBeNull();
  });
});

test('a time is read in the zone that is given', () => {
  expect(read('2026-03-20T12:00:00.123', 'Asia/Kolkata')).toBe('2026-03-20T06:30:00.123Z');
  expect(read('2026-03-29T02:30:00', 'Europe/Paris')).toBe('2026-03-29T01:30:00.000Z');
});
