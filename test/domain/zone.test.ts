import { describe, expect, test } from 'vitest';
import { formatDay } from '#libs/domain/local-date.ts';
import { openZone } from '#libs/domain/zone.ts';

/** Milliseconds of a written local time; with UTC's, the instant itself. */
const ms = (text: string): number => Date.parse(`${text}Z`);
const instantIn = (zone: string, local: string): string => new Date(openZone(zone).toInstant(ms(local))).toISOString();
const dayIn = (zone: string, instant: string): string => formatDay(openZone(zone).dayOf(ms(instant)));

describe('a local time as an instant', () => {
  test.each([
    // Europe/Paris is UTC+1; +2 from 2026-03-29T01:00Z to 2026-10-25T01:00Z.
    ['winter', 'Europe/Paris', '2026-01-15T12:00:00', '2026-01-15T11:00:00.000Z'],
    ['summer', 'Europe/Paris', '2026-07-15T12:00:00', '2026-07-15T10:00:00.000Z'],
    ['the last millisecond before the gap', 'Europe/Paris', '2026-03-29T01:59:59.999', '2026-03-29T00:59:59.999Z'],
    ['the first after the gap', 'Europe/Paris', '2026-03-29T03:00:00', '2026-03-29T01:00:00.000Z'],
    ['the last that occurs once', 'Europe/Paris', '2026-10-25T01:59:59.999', '2026-10-24T23:59:59.999Z'],
    ['the first that occurs once again', 'Europe/Paris', '2026-10-25T03:00:00', '2026-10-25T02:00:00.000Z'],
    // America/New_York is UTC-5; -4 from 2026-03-08T07:00Z to 2026-11-01T06:00Z.
    ['winter', 'America/New_York', '2026-01-15T12:00:00', '2026-01-15T17:00:00.000Z'],
    ['summer', 'America/New_York', '2026-07-15T12:00:00', '2026-07-15T16:00:00.000Z'],
    // Australia/Lord_Howe is UTC+10:30; +11 until 2026-04-04T15:00Z and from 2026-10-03T15:30Z.
    ['southern summer', 'Australia/Lord_Howe', '2026-01-15T12:00:00', '2026-01-15T01:00:00.000Z'],
    ['southern winter', 'Australia/Lord_Howe', '2026-07-15T12:00:00', '2026-07-15T01:30:00.000Z'],
    ['no summer time', 'Asia/Kolkata', '2026-07-15T12:00:00', '2026-07-15T06:30:00.000Z'],
    ['winter', 'America/St_Johns', '2026-01-15T12:00:00', '2026-01-15T15:30:00.000Z'],
    ['summer', 'America/St_Johns', '2026-07-15T12:00:00', '2026-07-15T14:30:00.000Z'],
    ['milliseconds', 'Asia/Kathmandu', '2026-07-15T12:00:00.001', '2026-07-15T06:15:00.001Z'],
    ['UTC', 'UTC', '2026-03-29T02:30:00.123', '2026-03-29T02:30:00.123Z'],
  ])('%s in %s: %s is %s', (_what, zone, local, instant) => {
    expect(instantIn(zone, local)).toBe(instant);
  });
});

describe('a local time that never occurs takes the smaller UTC offset', () => {
  test.each([
    ['first', 'Europe/Paris', '2026-03-29T02:00:00', '2026-03-29T01:00:00.000Z'], // +1, not +2
    ['middle', 'Europe/Paris', '2026-03-29T02:30:00', '2026-03-29T01:30:00.000Z'],
    ['last', 'Europe/Paris', '2026-03-29T02:59:59.999', '2026-03-29T01:59:59.999Z'],
    ['middle', 'America/New_York', '2026-03-08T02:30:00', '2026-03-08T07:30:00.000Z'], // -5 < -4
    ['half an hour', 'Australia/Lord_Howe', '2026-10-04T02:15:00', '2026-10-03T15:45:00.000Z'], // +10:30
    // St. John's moved its clock at 00:01 until 2011: 00:01 to 01:01 of 2010-03-14 was left out.
    ['a minute past midnight', 'America/St_Johns', '2010-03-14T00:30:00', '2010-03-14T04:00:00.000Z'], // -3:30
    ['midnight', 'America/Sao_Paulo', '2018-11-04T00:30:00', '2018-11-04T03:30:00.000Z'], // -3, not -2
    // Samoa skipped all of 2011-12-30, moving from -10 to +14.
    ['a whole day', 'Pacific/Apia', '2011-12-30T12:00:00', '2011-12-30T22:00:00.000Z'],
  ])('%s in %s: %s is %s', (_what, zone, local, instant) => {
    expect(instantIn(zone, local)).toBe(instant);
  });
});

describe('a local time that occurs twice takes the smaller UTC offset, the later of the two', () => {
  test.each([
    ['first', 'Europe/Paris', '2026-10-25T02:00:00', '2026-10-25T01:00:00.000Z'], // +1
    ['last', 'Europe/Paris', '2026-10-25T02:59:59.999', '2026-10-25T01:59:59.999Z'],
    ['middle', 'America/New_York', '2026-11-01T01:30:00', '2026-11-01T06:30:00.000Z'], // -5
    ['half an hour', 'Australia/Lord_Howe', '2026-04-05T01:45:00', '2026-04-04T15:15:00.000Z'], // +10:30
    // 23:01 of 2010-11-06 to 00:01 of the next day occurred twice.
    ['before midnight', 'America/St_Johns', '2010-11-06T23:30:00', '2010-11-07T03:00:00.000Z'], // -3:30
  ])('%s in %s: %s is %s', (_what, zone, local, instant) => {
    expect(instantIn(zone, local)).toBe(instant);
  });

  test('the half hour before Lord Howe sets its clock back is read with the greater, for it occurs once', () => {
    expect(instantIn('Australia/Lord_Howe', '2026-04-05T01:29:59')).toBe('2026-04-04T14:29:59.000Z');
    expect(instantIn('Australia/Lord_Howe', '2026-04-05T02:00:00')).toBe('2026-04-04T15:30:00.000Z');
  });
});

describe('the local day of an instant', () => {
  test.each([
    ['UTC', '2026-03-20T23:59:59.999', '2026-03-20'],
    ['UTC', '2026-03-21T00:00:00', '2026-03-21'],
    ['Europe/Paris', '2026-03-20T22:59:59.999', '2026-03-20'],
    ['Europe/Paris', '2026-03-20T23:00:00', '2026-03-21'],
    ['Europe/Paris', '2026-07-20T21:59:59.999', '2026-07-20'],
    ['Europe/Paris', '2026-07-20T22:00:00', '2026-07-21'],
    ['America/New_York', '2026-07-20T03:59:59.999', '2026-07-19'],
    ['America/New_York', '2026-07-20T04:00:00', '2026-07-20'],
    ['Asia/Kolkata', '2026-03-20T18:29:59.999', '2026-03-20'],
    ['Asia/Kolkata', '2026-03-20T18:30:00', '2026-03-21'],
    ['Australia/Lord_Howe', '2026-07-20T13:29:59.999', '2026-07-20'],
    ['Australia/Lord_Howe', '2026-07-20T13:30:00', '2026-07-21'],
    ['America/Sao_Paulo', '2018-11-04T02:59:59.999', '2018-11-03'],
    ['America/Sao_Paulo', '2018-11-04T03:00:00', '2018-11-04'],
    ['Pacific/Apia', '2011-12-30T09:59:59.999', '2011-12-29'],
    ['Pacific/Apia', '2011-12-30T10:00:00', '2011-12-31'],
  ])('in %s %s falls on %s', (zone, instant, day) => {
    expect(dayIn(zone, instant)).toBe(day);
  });

  test('a clock set back over midnight comes back to the day before', () => {
    // 2010-11-07T02:30Z is 00:00 at -2:30; at 02:31Z the clock goes from 00:01 to 23:01.
    expect(dayIn('America/St_Johns', '2010-11-07T02:30:59.999')).toBe('2010-11-07');
    expect(dayIn('America/St_Johns', '2010-11-07T02:31:00')).toBe('2010-11-06');
    expect(dayIn('America/St_Johns', '2010-11-07T03:30:00')).toBe('2010-11-07');
  });

  test('far from today', () => {
    expect(dayIn('Europe/Paris', '2000-01-01T00:00:00')).toBe('2000-01-01');
    expect(dayIn('America/New_York', '2000-01-01T00:00:00')).toBe('1999-12-31');
    expect(dayIn('America/New_York', '2199-12-31T23:59:59.999')).toBe('2199-12-31');
    expect(dayIn('Asia/Kolkata', '2199-12-31T23:59:59.999')).toBe('2200-01-01');
  });
});

describe('names of zones', () => {
  test.each(['Mars/Olympus', '', 'Europe/', 'Paris', 'CET', 'PST', 'IST', '+02:00'])('"%s" is refused', (name) => {
    expect(() => openZone(name)).toThrow(RangeError);
  });

  test('a zone keeps its name', () => {
    expect(openZone('Europe/Paris').name).toBe('Europe/Paris');
    expect(openZone('UTC').name).toBe('UTC');
  });

  test.each(['UTC', 'Etc/UTC', 'GMT'])('%s has no offset', (name) => {
    expect(openZone(name).offsetAt(ms('2026-07-01T00:00:00'))).toBe(0);
  });
});
