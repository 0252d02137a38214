import { describe, expect, test } from 'vitest';
import { type JsonMember, membersOf } from '#libs/clean/json-members.ts';

const NAMES = ['state', 'due_at', 'event_id'] as const;
const string = (text: string): JsonMember => ({ type: 'string', text });

describe('the members of a JSON object', () => {
  test('are told by what they are, as they are written', () => {
    expect(membersOf('{"a": 1, "state": "1", "due_at": -1.50E+3, "event_id": {"x": [1,  2]}}', NAMES)).toEqual({
      state: string('1'),
      due_at: { type: 'number', text: '-1.50E+3' },
      event_id: { type: 'other', text: '{"x": [1,  2]}' },
    });
  });

  test.each([
    ['inside another', '{"x": {"state": 1}, "y": [{"state": 2}]}'],
    ['of another case', '{"State": 1}'],
    ['in a string', '{"x": "\\", \\"state\\": 1, \\"", "y": "\\\\"}'],
    ['behind a string that holds a bracket', '{"x": {"y": "}", "state": 1}, "z": ["]", {"state": 2}]}'],
    ['of an array', '["state", 1]'],
    ['that are null', '{"state": null}'],
    ['that were given and then taken back', '{"state": 1, "state": null}'],
  ])('are not those %s', (_what, json) => {
    expect(membersOf(json, NAMES)).toEqual({});
  });

  test.each([
    '',
    ' ',
    '{',
    '{"state"',
    '{"state":',
    '{"state": 1',
    '{"state": "1',
    '{"state" 1}',
    '{"state": 1]',
    '("state": 1}',
    '{"state": "1"; "due_at": 2}',
    '{"x": {',
    '{"x": ["',
    '{state: 1}',
  ])('are none where there is no JSON: %s', (json) => {
    expect(membersOf(json, NAMES)).toEqual({});
  });

  test('may have white space of every kind around them, and escapes in their names', () => {
    const spaced = ' \n\t\r{ \n"state"\t:\r1 \n,\t"x" : "a b\\\\" , "due_at"\r\n:\t"\\"quoted\\"" } ';
    expect(membersOf(spaced, NAMES)).toEqual({ state: { type: 'number', text: '1' }, due_at: string('"quoted"') });
    const escaped = [...'event_id'].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
    expect(membersOf(`{"${escaped}": true, "\\u0073tate": "\\u0041"}`, NAMES)).toEqual({
      event_id: { type: 'other', text: 'true' },
      state: string('A'),
    });
    expect(membersOf(`{"${escaped}x": true, "states": 1, "tate": 2, "xstate": 3, "statf": 4}`, NAMES)).toEqual({});
  });

  test('keep a text that cannot be read as it is written', () => {
    expect(membersOf('{"state": "\\x"}', NAMES)).toEqual({ state: string('"\\x"') });
    expect(membersOf('{"st\\xate": 1, "state": 2}', NAMES)).toEqual({ state: { type: 'number', text: '2' } });
  });

  test('are found behind any depth and any size', () => {
    const deep = 1_000_000;
    const nested = '{"x":'.repeat(deep) + '['.repeat(deep) + ']'.repeat(deep) + '}'.repeat(deep);
    const huge = JSON.stringify('\\"{['.repeat(2_000_000));
    expect(membersOf(`{"deep": ${nested}, "huge": ${huge}, "state": "1"}`, NAMES)).toEqual({ state: string('1') });
    expect(membersOf(`{"deep": ${nested}, "huge": ${huge.slice(0, -2)}`, NAMES)).toEqual({});
  });
});
