import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { readDueDate } from '#libs/clean/due-date.ts';
import { neededMetadata, readMetadata } from '#libs/clean/metadata.ts';
import { openZone } from '#libs/domain/zone.ts';

const eventId = (json: string | null): string | null => readMetadata(json).eventId;

describe("the event id is metadata->>'event_id'", () => {
  test.each([
    ['a text', '{"event_id": "a1"}', 'a1'],
    ['a text with white space around it, which is not trimmed', '{"event_id": " a "}', ' a '],
    ['a text of a number', '{"event_id": "17"}', '17'],
    ['a number, as its text', '{"event_id": 17}', '17'],
    ['a number with its decimals', '{"event_id": 1.0}', '1.0'],
    ['a truth value', '{"event_id": true}', 'true'],
    ['an escape', '{"event_id": "\\u00e9\\n"}', 'é\n'],
    ['an empty object', '{"event_id": {}}', '{}'],
    ['an array of one', '{"event_id": [1]}', '[1]'],
    // Postgres prints jsonb with a space after each comma and colon.
    ['an array', '{"event_id": [1, 2]}', '[1, 2]'],
    ['an object', '{"event_id": {"a": 1, "b": [true, null]}}', '{"a": 1, "b": [true, null]}'],
  ])('%s', (_what, json, expected) => {
    expect(eventId(json)).toBe(expected);
  });

  // A source may keep metadata as json, which is text as written; of members with one name ->> reads the last.
  test.each([
    ['given twice', '{"event_id": "a", "event_id": "b"}', 'b'],
    ['beside another member given twice', '{"clicks": 1, "clicks": 2, "event_id": "a"}', 'a'],
    ['whose name is written with an escape', '{"\\u0065vent_id": "a"}', 'a'],
  ])('%s', (_what, json, expected) => {
    expect(eventId(json)).toBe(expected);
    expect(eventId(neededMetadata(json))).toBe(expected);
  });

  test('numbers beyond 2^53 are kept apart', () => {
    expect(eventId('{"event_id": 9007199254740992}')).toBe('9007199254740992');
    expect(eventId('{"event_id": 9007199254740993}')).toBe('9007199254740993');
    expect(eventId('{"event_id": 123456789012345678901234567890}')).toBe('123456789012345678901234567890');
  });

  test.each([
    ['null', '{"event_id": null}'],
    ['empty', '{"event_id": ""}'],
    ['ASCII white space', '{"event_id": " \\t\\n\\u000b\\f\\r"}'],
    ['absent', '{"clicks": 3}'],
    ['inside another member', '{"x": {"event_id": "a"}}'],
    ['a word of another member', '{"x": "event_id"}'],
    ['of another case', '{"Event_Id": "a"}'],
  ])('%s is not given', (_what, json) => {
    expect(eventId(json)).toBeNull();
  });

  test('numbers as names of members keep their place', () => {
    expect(eventId('{"event_id": {"10": 1, "9": 2, "b": 3}}')).toBe('{"10": 1, "9": 2, "b": 3}');
  });

  test('a no-break space is not blank', () => {
    expect(eventId('{"event_id": "\u00a0"}')).toBe('\u00a0');
  });
});

describe('metadata of another shape says nothing', () => {
  test.each([
    null,
    'null',
    '3',
    'true',
    '"event_id"',
    '[]',
    '["event_id", "state"]',
    '[{"event_id": "a", "state": 1}]',
    '{}',
    '{"event_id"',
    '',
  ])('%s', (json) => {
    expect(readMetadata(json)).toEqual({ state: undefined, eventId: null });
    expect(neededMetadata(json)).toBeNull();
  });
});

describe('a member of 8,192 characters is read, and of a longer one', () => {
  const LONGEST = 8_192;
  const one = (length: number): string => `1.${'0'.repeat(length - 2)}`;
  const states = (json: string | null): unknown[] =>
    [json, neededMetadata(json)].map((text) => readMetadata(text).state);

  test('no state', () => {
    expect(states(`{"state": ${one(LONGEST)}}`)).toEqual([1, 1]);
    expect(states(`{"state": ${one(LONGEST + 1)}}`)).toEqual([undefined, undefined]);
  });

  test('no due date', () => {
    const due = (length: number) => readMetadata(`{"due_at": ${one(length)}}`).dueAt;
    expect(due(LONGEST)).toEqual({ type: 'number', text: one(LONGEST) });
    expect(due(LONGEST + 1)).toEqual({ type: 'other', text: '{}' });
  });

  test('of an event id its digest', () => {
    const ids = (length: number): (string | null)[] => {
      const json = JSON.stringify({ event_id: 'x'.repeat(length) });
      return [eventId(json), eventId(neededMetadata(json))];
    };
    expect(ids(LONGEST)).toEqual(['x'.repeat(LONGEST), 'x'.repeat(LONGEST)]);
    const [id, kept] = ids(LONGEST + 1);
    expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(kept).toBe(id);
  });
});

describe('what is kept of metadata', () => {
  test('are the members that anything reads', () => {
    const kept = neededMetadata('{"clicks": 3, "state": 1, "url": "x", "event_id": "a", "due_at": "2026-03-20"}');
    expect(JSON.parse(kept ?? '')).toEqual({ state: 1, event_id: 'a', due_at: '2026-03-20' });
  });

  test('is nothing where none of them is given', () => {
    expect(neededMetadata('{"clicks": 3}')).toBeNull();
    expect(neededMetadata('{"state": null, "event_id": null, "due_at": null}')).toBeNull();
  });

  test('keeps every digit', () => {
    expect(neededMetadata('{"event_id": 9007199254740993}')).toContain('9007199254740993');
    expect(neededMetadata('{"due_at": 1774000000.123456789012}')).toContain('1774000000.123456789012');
  });

  test.each([
    [
      'nested a million deep',
      (name: string) => `{"${name}": ${'['.repeat(1_000_000)}${']'.repeat(1_000_000)}, "x": 1}`,
    ],
    ['of ten million characters', (name: string) => JSON.stringify({ x: 1, [name]: '1'.repeat(10_000_000) })],
  ])('is small, also of a member %s', (_what, metadata) => {
    for (const name of ['state', 'due_at', 'event_id']) {
      const kept = neededMetadata(metadata(name));
      expect(kept?.length).toBeLessThan(100);
      expect(readMetadata(kept)).toEqual(readMetadata(metadata(name)));
    }
    expect(readMetadata(metadata('state')).state).toBeUndefined();
    expect(readDueDate(readMetadata(metadata('due_at')).dueAt, openZone('UTC'))).toBe('unreadable');
  });

  test('tells very long event ids apart, from blank ones too', () => {
    const long = (end: string): string => JSON.stringify({ event_id: 'é'.repeat(100_000) + end });
    expect(eventId(long('a'))).toBe(eventId(neededMetadata(long('a'))));
    expect(eventId(long('a'))).not.toBe(eventId(long('b')));
    expect(eventId(neededMetadata(JSON.stringify({ event_id: ' '.repeat(100_000) })))).toBeNull();
  });

  test('reads as all of it does', () => {
    const scalar = fc.oneof(
      fc.string(),
      fc.integer(),
      fc.boolean(),
      fc.constant(null),
      fc.constantFrom('0', '3', '01', ' ', 0, 1, 2, 3),
    );
    const value = fc.oneof(
      scalar,
      fc.array(scalar, { maxLength: 3 }),
      fc.dictionary(fc.string(), scalar, { maxKeys: 3 }),
    );
    const names = fc.constantFrom('state', 'event_id', 'due_at', 'clicks', '__proto__', 'x');
    const object = fc
      .array(fc.tuple(names, value), { maxLength: 5 })
      .map(
        (members) => `{${[...new Map(members)].map(([name, of]) => `"${name}": ${JSON.stringify(of)}`).join(', ')}}`,
      );
    fc.assert(
      fc.property(object, (json) => {
        expect(readMetadata(neededMetadata(json))).toEqual(readMetadata(json));
      }),
      { numRuns: 500 },
    );
  });
});
