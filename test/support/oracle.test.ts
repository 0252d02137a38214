import { expect, test } from 'vitest';
import { compareRows, type PrintedRow } from './oracle.ts';

const row = (columns: PrintedRow): PrintedRow => ({ student_id: 's', course_id: 'c', ...columns });
const columnsThatDiffer = (a: PrintedRow, b: PrintedRow): string[] =>
  compareRows('anomaly', [row(a)], [row(b)]).map(({ column }) => column);

test('flags are compared by their members', () => {
  const flag = '{"item": "quiz", "value": 30, "since": "2024-01-01", "baseline": null}';
  const sameInOtherWords = '{"value":30.00,"since":"2024-01-01","baseline":null,"item":"quiz"}';
  expect(columnsThatDiffer({ grade_drop: flag }, { grade_drop: sameInOtherWords })).toEqual([]);
  expect(columnsThatDiffer({ grade_drop: flag }, { grade_drop: null })).toEqual(['grade_drop']);
  expect(columnsThatDiffer({ grade_drop: '{"value": 30}' }, { grade_drop: '{"value": 30.000001}' })).toEqual([
    'grade_drop',
  ]);
  expect(columnsThatDiffer({ grade_drop: '{"value": 30}' }, { grade_drop: '{"value": 30, "item": "quiz"}' })).toEqual([
    'grade_drop',
  ]);
  expect(columnsThatDiffer({ unsupported: '{a}' }, { unsupported: '{}' })).toEqual(['unsupported']);
});

test('a row that only one has', () => {
  expect(compareRows('anomaly', [row({})], []).map(({ column }) => column)).toEqual(['(row)']);
});
