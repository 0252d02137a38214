import avsc from 'avsc';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { formatScaled } from '#libs/domain/rational.ts';
import { loadSchemas } from '#libs/pipeline/topics/schemas.ts';
import { toAvroValue } from '#libs/pipeline/topics/value.ts';
import { avroWriter } from '#libs/platform/registry/encode.ts';

const { fields, value: schema } = loadSchemas('performance');
const write = avroWriter(schema);
const type = avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema);

/** A row of performance_features as the driver returns it. */
const ROW = {
  student_id: 7,
  course_id: 3,
  student_source_id: '00000000-0000-4000-8000-000000000001',
  course_source_id: '00000000-0000-4000-8000-0000000000c1',
  graded_items: 2,
  ungraded_items: 0,
  zero_grades: 0,
  capped_grades: 1,
  avg_grade: '66.67',
  min_grade: '33.33',
  max_grade: '100.00',
  latest_grade: null,
  latest_graded_at: new Date('2026-03-20T10:11:12.345Z'),
  success_rate: '50.00',
  first_assessment_failed: true,
  grade_ma7: null,
  grade_ma30: null,
  grade_trend: '-123.456789',
  module_grade: null,
  passed: null,
  as_of_date: '2026-03-20',
  source_position: '1:0/64',
  source_committed_at: null,
  computed_at: new Date('2026-03-20T10:11:13Z'),
  row_version: 9_007_199_254_740_990n,
  feature_version: 1,
};

const encode = (row: Readonly<Record<string, unknown>>): Buffer => write(258, toAvroValue(fields, row));

test('a row comes back as it was, unknown as null', () => {
  const message = encode(ROW);
  expect([...message.subarray(0, 5)]).toEqual([0, 0, 0, 1, 2]);
  expect({ ...(type.fromBuffer(message.subarray(5)) as object) }).toEqual({
    ...ROW,
    avg_grade: 66.67,
    min_grade: 33.33,
    max_grade: 100,
    success_rate: 50,
    grade_trend: -123.456789,
    latest_graded_at: Date.parse('2026-03-20T10:11:12.345Z'),
    computed_at: Date.parse('2026-03-20T10:11:13Z'),
    as_of_date: 20_532,
    row_version: 9_007_199_254_740_990,
  });
});

test('every decimal that a column can hold is the same again, rounded to its places', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 14n) + 1n, max: 10n ** 14n - 1n }), (scaled) => {
      const text = formatScaled(scaled, 6);
      const back = type.fromBuffer(encode({ ...ROW, grade_trend: text }).subarray(5)) as { grade_trend: number };
      expect(back.grade_trend.toFixed(6)).toBe(scaled === 0n ? '0.000000' : text);
    }),
    { numRuns: 2000 },
  );
});

describe('what does not fit is refused, by name', () => {
  const { avg_grade: _, ...lacking } = ROW;
  test.each([
    ['a column that is missing, though its field has a default', lacking, /lacks the field avg_grade/],
    ['null where there is always a number', { ...ROW, graded_items: null }, /graded_items is null, which is not "int"/],
    ['a number beyond its type', { ...ROW, graded_items: 2 ** 31 }, /graded_items is 2147483648/],
    ['a number that is none', { ...ROW, passed: 'yes' }, /passed is "yes"/],
    ['a version beyond 2^53', { ...ROW, row_version: 2n ** 53n }, /row_version is 9007199254740992, beyond 2\^53/],
  ])('%s', (_what, row, message) => {
    expect(() => encode(row)).toThrow(message);
  });

  test('also inside of a record', () => {
    const inner = avroWriter(
      '{"type":"record","name":"A","fields":[{"name":"b","type":{"type":"record","name":"B","fields":[{"name":"c","type":"int"}]}}]}',
    );
    expect(() => inner(1, { b: { c: 1.5 } })).toThrow(/A does not fit its schema: b\.c is 1\.5/);
    expect(() => inner(1, { b: {} })).toThrow(/b\.c is missing/);
  });
});
