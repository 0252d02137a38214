import { describe, expect, test } from 'vitest';
import { readDueDate } from '#libs/clean/due-date.ts';
import { readMetadata } from '#libs/clean/metadata.ts';
import { openZone } from '#libs/domain/zone.ts';

/** Reads `{"due_at": …}` with its value given as JSON. Returns the instant as text, null for none, or `unreadable`. */
function dueAt(json: string, zone = 'UTC'): string | null {
  const due = readDueDate(readMetadata(`{"due_at": ${json}}`).dueAt, openZone(zone));
  return typeof due === 'number' ? new Date(due).toISOString() : due;
}
const dueText = (text: string, zone?: string): string | null => dueAt(JSON.stringify(text), zone);

describe('a day is its last millisecond', () => {
  test.each([
    ['UTC', '2026-03-20', '2026-03-20T23:59:59.999Z'],
    ['Europe/Paris', '2026-03-20', '2026-03-20T22:59:59.999Z'],
    ['Europe/Paris', '2026-07-20', '2026-07-20T21:59:59.999Z'],
    ['America/New_York', '2026-07-20', '2026-07-21T03:59:59.999Z'],
    ['UTC', '2024-02-29', '2024-02-29T23:59:59.999Z'],
    // The last minutes of this day occurred twice in St. John's, and are read with the smaller offset, -3:30.
    ['America/St_Johns', '2010-11-06', '2010-11-07T03:29:59.999Z'],
  ])('in %s: %s', (zone, text, expected) => {
    expect(dueText(text, zone)).toBe(expected);
  });
});

describe('a time without an offset is in the zone of the source', () => {
  test.each([
    ['2026-07-20T10:30', '2026-07-20T08:30:00.000Z'],
    ['2026-07-20 10:30', '2026-07-20T08:30:00.000Z'],
    ['2026-07-20T10:30:15', '2026-07-20T08:30:15.000Z'],
    ['2026-07-20T10:30:15.5', '2026-07-20T08:30:15.500Z'],
    ['2026-07-20T10:30:15.1239999', '2026-07-20T08:30:15.123Z'],
    ['2026-07-20T00:00', '2026-07-19T22:00:00.000Z'],
    ['2026-07-20T23:59:59.999', '2026-07-20T21:59:59.999Z'],
    ['2026-03-29T02:30', '2026-03-29T01:30:00.000Z'], // never occurs: +1
    ['2026-10-25T02:30', '2026-10-25T01:30:00.000Z'], // occurs twice: +1
    [' \t2026-07-20T10:30\r\n', '2026-07-20T08:30:00.000Z'],
  ])('%j in Paris', (text, expected) => {
    expect(dueText(text, 'Europe/Paris')).toBe(expected);
  });
});

describe('a time with an offset is of that offset', () => {
  test.each([
    ['Z', '2026-07-20T10:30:00.000Z'],
    ['+00:00', '2026-07-20T10:30:00.000Z'],
    ['-00', '2026-07-20T10:30:00.000Z'],
    ['+02', '2026-07-20T08:30:00.000Z'],
    ['+0200', '2026-07-20T08:30:00.000Z'],
    ['+02:00', '2026-07-20T08:30:00.000Z'],
    ['-03:30', '2026-07-20T14:00:00.000Z'],
    ['-0330', '2026-07-20T14:00:00.000Z'],
    ['+0059', '2026-07-20T09:31:00.000Z'],
    ['-02:59', '2026-07-20T13:29:00.000Z'],
    ['+18:00', '2026-07-19T16:30:00.000Z'],
    ['-18', '2026-07-21T04:30:00.000Z'],
  ])('2026-07-20T10:30%s', (offset, expected) => {
    expect(dueText(`2026-07-20T10:30${offset}`, 'Europe/Paris')).toBe(expected);
    expect(dueText(`2026-07-20 10:30:00.000${offset}`, 'Europe/Paris')).toBe(expected);
  });
});

describe('a number, or up to 20 digits, are seconds since 1970', () => {
  // 2026-03-20 is day 20532: 20532 · 86400 = 1773964800.
  test.each([
    ['1773964800', '2026-03-20T00:00:00.000Z'],
    ['"1773964800"', '2026-03-20T00:00:00.000Z'],
    ['" 1773964800\\n"', '2026-03-20T00:00:00.000Z'],
    ['"00000000001773964800"', '2026-03-20T00:00:00.000Z'], // 20 digits
    ['1773964800.5', '2026-03-20T00:00:00.500Z'],
    ['1773964800.1239', '2026-03-20T00:00:00.123Z'], // cut, not rounded
    ['1.7739648e9', '2026-03-20T00:00:00.000Z'],
    ['946684800', '2000-01-01T00:00:00.000Z'],
    ['7258118399.999', '2199-12-31T23:59:59.999Z'],
  ])('%s, whatever the zone', (json, expected) => {
    expect(dueAt(json, 'Europe/Paris')).toBe(expected);
    expect(dueAt(json)).toBe(expected);
  });

  test.each(['0', '"0"', '"00"', '0.0'])('%s is none', (json) => {
    expect(dueAt(json)).toBeNull();
  });
});

describe('a due date before 2000 or from 2200 on is missing, as every time', () => {
  test.each([
    '1',
    '-1',
    '946684799.999',
    '7258118400',
    '1e30',
    '1e99999',
    '-1e99999',
    '"99999999999999999999"',
    '"1999-12-31"',
    '"2200-01-01"',
    '"1970-01-01T00:00Z"',
    '"2000-01-01T00:30+01:00"',
    '"2199-12-31T23:30-01:00"',
    '"9999-12-31"',
    '"0001-01-01"',
  ])('%s', (json) => {
    expect(dueAt(json)).toBeNull();
  });

  test('but not one just within', () => {
    expect(dueText('2000-01-01T00:00Z')).toBe('2000-01-01T00:00:00.000Z');
    expect(dueText('1999-12-31T23:30-01:00')).toBe('2000-01-01T00:30:00.000Z');
    expect(dueText('2199-12-31')).toBe('2199-12-31T23:59:59.999Z');
  });
});

describe('anything else is unreadable', () => {
  test.each([
    '2026-02-29',
    '2026-04-31',
    '2026-13-01',
    '2026-00-01',
    '2026-1-2',
    '20-03-2026',
    '2026/03/20',
    '2026-03',
    '2026-03-20T',
    '2026-03-20T10',
    '2026-03-20T1:00',
    '2026-03-20T25:00',
    '2026-03-20T10:60',
    '2026-03-20T10:00:61',
    '2026-03-20T10:00:00.',
    '2026-03-20T10:00.5',
    '2026-03-20t10:00',
    '2026-03-20T10:00z',
    '2026-03-20  10:00',
    '2026-03-20T10:00 Z',
    '2026-03-20T10:00+2',
    '2026-03-20T10:00+02:0',
    '2026-03-20T10:00+02:60',
    '2026-03-20T10:00+18:01',
    '2026-03-20T10:00-19',
    '2026-03-20Z',
    '2026-02-29T10:00',
    '\u00a02026-03-20',
    'by 2026-03-20',
    'by 2026-03-20T10:00',
    '123456789012345678901', // 21 digits
    '1773964800.5',
    '-1773964800',
    'tomorrow',
    '',
    ' ',
  ])('the text "%s"', (text) => {
    expect(dueText(text)).toBe('unreadable');
  });

  test.each(['true', 'false', '[]', '[1773964800]', '{}', '{"due_at": 1773964800}'])('%s', (json) => {
    expect(dueAt(json)).toBe('unreadable');
  });
});

test('null, like nothing, is no due date', () => {
  expect(dueAt('null')).toBeNull();
  expect(readDueDate(readMetadata('{"state": 1}').dueAt, openZone('UTC'))).toBeNull();
  expect(readDueDate(readMetadata(null).dueAt, openZone('UTC'))).toBeNull();
});
