import { describe, expect, test } from 'vitest';
import { type GradeObservation, readGrade } from '#libs/clean/grades.ts';
import { formatDay } from '#libs/domain/local-date.ts';
import { accepted, gradeRow, ms, NOON, reading, reasonOf, UTC } from './build.ts';

type Special = Parameters<typeof gradeRow>[0];
const readAs = (special: Special): GradeObservation => accepted<GradeObservation>(readGrade(gradeRow(special), UTC));
const reason = (special: Special): string | null => reasonOf(readGrade(gradeRow(special), UTC));

/** (2^63 - 1) / 10^5 is 92233720368547.75807. */
const GREATEST = '92233720368547.75807';

describe('a row is rejected', () => {
  test.each([
    ['without a student', 'no_student', { student_id: null }],
    ['without a course', 'no_course', { course_id: null }],
    ['without a time', 'no_time', { timestamp: null }],
    ['from before 2000', 'no_time', { timestamp: ms('1999-12-31T23:59:59.999') }],
    ['from 2200 on', 'no_time', { timestamp: ms('2200-01-01T00:00:00') }],
    ['without an item', 'no_item', { grade_item: null }],
    ['of an empty item', 'no_item', { grade_item: '' }],
    ['of a blank item', 'no_item', { grade_item: ' \t\n\v\f\r' }],
    ['of an item with bytes that are no UTF-8', 'not_utf8', { grade_item: 'quiz \uFFFF' }],
    ['without a max', 'bad_max', { grade_max: null }],
    ['with a max of 0', 'bad_max', { grade_max: '0' }],
    ['with a max below 0', 'bad_max', { grade_max: '-1' }],
    ['with a max that is no number', 'bad_max', { grade_max: 'NaN' }],
    ['with an infinite max', 'bad_max', { grade_max: 'Infinity' }],
    ['with a max below everything', 'bad_max', { grade_max: '-Infinity' }],
    ['with a max that rounds to 0', 'bad_max', { grade_max: '0.000004' }],
    ['with a value below 0', 'bad_value', { grade_value: '-1' }],
    ['with a value that rounds to below 0', 'bad_value', { grade_value: '-0.000005' }],
    ['with a value that is no number', 'bad_value', { grade_value: 'NaN' }],
    ['with an infinite value', 'bad_value', { grade_value: 'Infinity' }],
    ['with a value below everything', 'bad_value', { grade_value: '-Infinity' }],
    ['with a max beyond 2^63 - 1', 'number_too_large', { grade_max: '92233720368547.75808' }],
    ['with a max that rounds beyond it', 'number_too_large', { grade_max: '92233720368547.758075' }],
    ['with a value beyond 2^63 - 1', 'number_too_large', { grade_value: '92233720368547.75808' }],
    ['with a value that rounds beyond it', 'number_too_large', { grade_value: '92233720368547.758075' }],
    ['with a value of a thousand digits', 'number_too_large', { grade_value: '9'.repeat(1000) }],
  ])('%s: %s', (_what, expected, special) => {
    expect(reason(special)).toBe(expected);
  });

  test.each([
    ['not graded yet', { grade_value: null }],
    ['with a value of 0', { grade_value: '0' }],
    ['with a value that rounds to 0 from below', { grade_value: '-0.000004' }],
    ['with a value above its max', { grade_value: '120', grade_max: '100' }],
    ['with the least max that does not round to 0', { grade_max: '0.000005' }],
    ['with the greatest value', { grade_value: GREATEST }],
    ['with a value that rounds to the greatest', { grade_value: '92233720368547.758074' }],
    ['with the greatest max', { grade_max: GREATEST }],
    ['with a max that rounds to the greatest', { grade_max: '92233720368547.758074' }],
    ['of 2000-01-01T00:00Z', { timestamp: ms('2000-01-01T00:00:00') }],
    ['of the last millisecond of 2199', { timestamp: ms('2199-12-31T23:59:59.999') }],
    ['of an item that is a no-break space', { grade_item: '\u00a0' }],
  ])('but not %s', (_what, special) => {
    expect(reason(special)).toBeNull();
  });
});

describe('the item', () => {
  test.each([
    [' \t\n\v\f\rEssay 1 \r\n', 'Essay 1'],
    ['\u00a0Essay', '\u00a0Essay'],
    ['ESSAY', 'ESSAY'],
    ['course', 'course'],
    ['Course', 'course'],
    [' COURSE\t', 'course'],
    ['category', 'category'],
    ['CateGory ', 'category'],
    ['Course total', 'Course total'],
    ['courses', 'courses'],
    ['Zürich', 'Zürich'],
  ])('%j is %j', (written, item) => {
    expect(readAs({ grade_item: written }).item).toBe(item);
  });
});

describe('numbers are held times 10^5, rounded half away from zero', () => {
  test.each([
    ['12.5', 1_250_000n],
    ['100', 10_000_000n],
    ['33.33333', 3_333_333n],
    ['49.999995', 5_000_000n],
    ['49.9999949999', 4_999_999n],
    ['0.000005', 1n],
    ['0.0000049999', 0n],
    ['-0.000004', 0n],
    ['1E+2', 10_000_000n],
    [GREATEST, 2n ** 63n - 1n],
  ])('a value of %s is %d', (written, value) => {
    expect(readAs({ grade_value: written }).value).toBe(value);
  });

  test('and so is the max', () => {
    expect(readAs({ grade_max: '0.000005' }).max).toBe(1n);
    expect(readAs({ grade_max: '33.333335' }).max).toBe(3_333_334n);
    expect(readAs({ grade_max: GREATEST }).max).toBe(2n ** 63n - 1n);
  });

  test('no value is not graded yet, which is not 0', () => {
    expect(readAs({ grade_value: null }).value).toBeNull();
    expect(readAs({ grade_value: '0' }).value).toBe(0n);
  });
});

test('a grade is read in the zone of the source and falls on a day of the institution', () => {
  expect(readAs({}).at).toBe(NOON);
  // 01:00 on the 21st in Kolkata is 19:30Z on the 20th, and 15:30 in New York.
  const row = gradeRow({ timestamp: ms('2026-07-21T01:00:00') });
  const grade = accepted<GradeObservation>(readGrade(row, reading('Asia/Kolkata', 'America/New_York')));
  expect(new Date(grade.at).toISOString()).toBe('2026-07-20T19:30:00.000Z');
  expect(formatDay(grade.day)).toBe('2026-07-20');
});
