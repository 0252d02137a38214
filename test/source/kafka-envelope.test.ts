import { describe, expect, test } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { ColumnGone, type RecordFacts, readEnvelope } from '#libs/source/kafka/envelope.ts';
import { FloatText, Malformed, readNumber, readValue } from '#libs/source/kafka/values.ts';

const ID = '8d209dcb-6f0d-43ba-9a21-4f7d29afc95f';
const OTHER = '1993d8ed-4c4a-485b-a6ca-dbf3cc770b73';
const STUDENT = 'd88018a7-5635-4290-b04e-7a1f195c50db';
const COURSE = '1ef93635-893d-4df9-af2c-ad0fb52679fc';

const source = { lsn: 33_628_832, txId: 791, ts_ms: 1_795_383_589_085, table: 'activity_logs', schema: 'public' };
const row = {
  id: ID,
  student_id: STUDENT,
  course_id: COURSE,
  activity_type: 'view',
  resource_id: null,
  duration_seconds: 5,
  timestamp: -2,
  metadata: '{"n": [1, 2.50]}',
  of_no_concern: 1n << 60n,
};
const after = {
  student_id: STUDENT,
  course_id: COURSE,
  activity_type: 'view',
  resource_id: null,
  duration_seconds: '5',
  timestamp: -2,
  metadata: '{"n": [1, 2.50]}',
};
const facts: RecordFacts = { table: sourceNames().of('activity_logs'), epoch: 7, isHalfOfMove: false };
const stamp = { position: { epoch: 7, lsn: 33_628_832n }, xid: 791n, committedAt: 1_795_383_589_085 };

const envelope = (op: string, fields: object) => ({ before: null, after: null, source, op, ts_ms: 1, ...fields });

describe('an envelope of Debezium', () => {
  test('of an insert', () => {
    expect(readEnvelope(envelope('c', { after: row }), facts)).toStrictEqual([
      { table: 'activity_logs', op: 'create', id: ID, ...stamp, after },
    ]);
  });

  test('of an update: a column that is unchanged and stored out of line is absent', () => {
    const [change] = readEnvelope(
      envelope('u', { after: { ...row, metadata: '__debezium_unavailable_value' } }),
      facts,
    );
    const { metadata: _, ...rest } = after;
    expect(change).toStrictEqual({ table: 'activity_logs', op: 'update', id: ID, ...stamp, after: rest });
  });

  test('of a delete, which knows no more than the id', () => {
    const before = { ...row, student_id: null, activity_type: '', timestamp: 0 };
    expect(readEnvelope(envelope('d', { before }), facts)).toStrictEqual([
      { table: 'activity_logs', op: 'delete', id: ID, ...stamp },
    ]);
  });

  test('of a truncate', () => {
    expect(readEnvelope(envelope('t', {}), facts)).toStrictEqual([
      { table: 'activity_logs', op: 'truncate', ...stamp },
    ]);
  });

  test.each([
    ['of the first snapshot', { ...source, snapshot: 'first' }],
    ['of a later one', { ...source, snapshot: 'incremental', lsn: null, txId: null }],
  ])('of a row %s stands before everything streamed, and has no transaction', (_, from) => {
    expect(readEnvelope(envelope('r', { after: row, source: from }), facts)).toStrictEqual([
      { table: 'activity_logs', op: 'read', id: ID, position: { epoch: 7, lsn: 0n }, after },
    ]);
  });

  test('of an update under FULL that changes the id is a delete and a create', () => {
    const changes = readEnvelope(envelope('u', { before: { ...row, id: OTHER }, after: row }), facts);
    expect(changes).toStrictEqual([
      { table: 'activity_logs', op: 'delete', id: OTHER, ...stamp, moved: true },
      { table: 'activity_logs', op: 'create', id: ID, ...stamp, after, movedFrom: OTHER },
    ]);
  });

  test('of either half of a change of keys says that there is another', () => {
    const half = { ...facts, isHalfOfMove: true };
    expect(readEnvelope(envelope('d', { before: row }), half)[0]).toMatchObject({ moved: true, splitMove: true });
    expect(readEnvelope(envelope('c', { after: row }), half)[0]).toMatchObject({ op: 'create', splitMove: true });
  });

  test('of a logical message is no change', () => {
    expect(readEnvelope({ op: 'm', source: {}, message: {} }, facts)).toEqual([]);
  });

  test.each([
    ['no record', 'text'],
    ['no source', { op: 'c', after: row }],
    ['another table', envelope('c', { after: row, source: { ...source, table: 'grades' } })],
    ['an unknown op', envelope('x', {})],
    ['no row', envelope('c', {})],
    ['an id that is none', envelope('c', { after: { ...row, id: 'seven' } })],
    ['a student that is none', envelope('c', { after: { ...row, student_id: 12 } })],
    ['a time that is none', envelope('c', { after: { ...row, timestamp: 'noon' } })],
    ['a delete of nothing', envelope('d', {})],
    ['no place in the log', envelope('c', { after: row, source: { ...source, lsn: null } })],
    ['a place before the log', envelope('c', { after: row, source: { ...source, lsn: -1 } })],
    ['a place beyond every log', envelope('c', { after: row, source: { ...source, lsn: 1n << 63n } })],
  ])('with %s is malformed', (_, value) => {
    expect(() => readEnvelope(value, facts)).toThrow(Malformed);
  });

  test('a needed column that is not there is another matter', () => {
    const { resource_id: _, ...without } = row;
    expect(() => readEnvelope(envelope('u', { after: without }), facts)).toThrow(ColumnGone);
    const { id: __, ...nobody } = row;
    expect(() => readEnvelope(envelope('u', { after: nobody }), facts)).toThrow(ColumnGone);
  });

  test('positions are 64 bits wide', () => {
    const [change] = readEnvelope(envelope('t', { source: { ...source, lsn: (1n << 62n) + 1n } }), facts);
    expect(change?.position.lsn).toBe((1n << 62n) + 1n);
  });
});

describe('values', () => {
  test.each([
    ['3.50', '3.50'],
    ['-12345678.90', '-12345678.90'],
    ['NAN', 'NaN'],
    ['POSITIVE_INFINITY', 'Infinity'],
    ['NEGATIVE_INFINITY', '-Infinity'],
    ['0E-8', '0.00000000'],
    ['1E-7', '0.0000001'],
    ['-1.25E-7', '-0.000000125'],
    ['1.5E+3', '1500'],
    ['1.2345E+2', '123.45'],
    ['12E-1', '1.2'],
    ['1E0', '1'],
  ])('the decimal %s is %s', (given, expected) => {
    expect(readNumber(given, 'grade_value')).toBe(expected);
  });

  test.each(['', 'ten', '1E9999999', '1.', '.5', 7.5, true, null, {}])('the decimal %s is none', (given) => {
    expect(() => readNumber(given, 'grade_value')).toThrow(Malformed);
  });

  test('infinite times, and those after the year 287396, are null', () => {
    expect(readValue('timestamp', 9_223_372_036_825_200n, 't')).toBeNull();
    expect(readValue('timestamp', -9_223_372_036_832_400n, 't')).toBeNull();
    expect(readValue('timestamp', 327_403_479_845_678, 't')).toBe(327_403_479_845_678);
  });

  test.each(['numeric', 'integer'] as const)('a column for a %s may be of any type of number', (kind) => {
    expect(readValue(kind, 5, 'n')).toBe('5');
    expect(readValue(kind, -9_223_372_036_854_775_808n, 'n')).toBe('-9223372036854775808');
    expect(readValue(kind, 'NAN', 'n')).toBe('NaN');
    expect(readValue(kind, new FloatText('1e+15'), 'n')).toBe('1e+15');
  });

  test('a column for a text may be of whole numbers, and of no others', () => {
    expect(readValue('text', 17, 'resource_id')).toBe('17');
    expect(readValue('text', 9_007_199_254_740_993n, 'resource_id')).toBe('9007199254740993');
    for (const other of [1.5, true, new FloatText('1'), ['a']])
      expect(() => readValue('text', other, 'resource_id')).toThrow(Malformed);
    expect(() => readValue('json', 1, 'metadata')).toThrow(Malformed);
  });

  test('whole numbers keep all their digits, UUIDs become lower-case', () => {
    expect(readValue('integer', 9_007_199_254_740_993n, 'n')).toBe('9007199254740993');
    expect(readValue('integer', -2_147_483_648, 'n')).toBe('-2147483648');
    expect(readValue('uuid', ID.toUpperCase(), 'student_id')).toBe(ID);
  });
});
