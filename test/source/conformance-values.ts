import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import { log, seen, type UseStage } from './stage.ts';
import { type TextRow, write } from './world.ts';

export interface ValueCase {
  readonly what: string;
  readonly table: SourceTable;
  readonly text: TextRow;
  readonly expected: Readonly<Record<string, unknown>>;
}

export const LONG = 'é'.repeat(300);

export const VALUES: readonly ValueCase[] = [
  {
    what: 'numerics',
    table: 'grades',
    text: { grade_value: 'NaN', grade_max: '12345678.90' },
    expected: { grade_value: 'NaN', grade_max: '12345678.90' },
  },
  {
    what: 'microseconds after 1970',
    table: 'grades',
    text: { timestamp: '1970-01-01 00:00:00.001999' },
    expected: { timestamp: 1 },
  },
  {
    what: 'microseconds before 1970',
    table: 'grades',
    text: { timestamp: '1969-12-31 23:59:59.998001' },
    expected: { timestamp: -2 },
  },
  { what: 'an infinite time', table: 'grades', text: { timestamp: 'infinity' }, expected: { timestamp: null } },
  { what: 'the first infinite time', table: 'grades', text: { timestamp: '-infinity' }, expected: { timestamp: null } },
  {
    what: 'a time before Christ',
    table: 'enrollments',
    text: { enrolled_at: '0001-12-31 23:59:59 BC' },
    expected: { enrolled_at: -62_135_596_801_000 },
  },
  {
    what: 'a year of five digits',
    table: 'enrollments',
    text: { enrolled_at: '12345-01-02 03:04:05.678' },
    expected: { enrolled_at: Date.UTC(12345, 0, 2, 3, 4, 5, 678) },
  },
  {
    what: 'nulls for both keys',
    table: 'grades',
    text: { student_id: null, course_id: null, grade_item: null },
    expected: { student_id: null, course_id: null, grade_item: null, grade_value: null, timestamp: null },
  },
  {
    what: 'text of every kind',
    table: 'grades',
    text: { grade_item: `Prüfung "1" \\ '2' 数学 🎓 ${LONG}`.slice(0, 250) },
    expected: { grade_item: `Prüfung "1" \\ '2' 数学 🎓 ${LONG}`.slice(0, 250) },
  },
  {
    what: 'json and whole numbers',
    table: 'activity_logs',
    text: { duration_seconds: '-2147483648', metadata: '{"due_at": "2024-01-01", "n": [1, 2.50, null]}' },
    expected: { duration_seconds: '-2147483648', metadata: '{"n": [1, 2.50, null], "due_at": "2024-01-01"}' },
  },
];

export function valueTests(use: UseStage): void {
  test.for(VALUES)('$what, the same in the initial snapshot and in the stream', async ({ table, text, expected }) => {
    const stage = use();
    const base = table === 'activity_logs' ? { activity_type: 'view', timestamp: '2024-01-01 00:00:00' } : {};
    const canonical = (row: unknown): unknown => withSortedJson(row);
    const early = stage.row({ ...base, ...text });
    await write(stage.world, (writer) => writer.insert(table, [early]));
    const reader = await stage.streaming();
    const late = stage.row({ ...base, ...text });
    await write(stage.world, (writer) => writer.insert(table, [late]));
    await seen(reader, 1);
    const afters = [early.id, late.id].map((id) => {
      const change = reader.changes.find((candidate) => 'id' in candidate && candidate.id === id);
      return canonical((change as AnyRowChange | undefined)?.after);
    });
    expect(afters[0]).toMatchObject(canonical(expected) as object);
    expect(afters[1]).toEqual(afters[0]);
    await stage.agreed();
  });

  test('a large value that an update leaves alone is not sent, and stays', async () => {
    const stage = use();
    const reader = await stage.streaming();
    // Incompressible, so that it is stored out of line.
    const noise = Array.from({ length: 90 }, () => randomUUID()).join('');
    const row = log(stage, { metadata: JSON.stringify({ noise }) });
    await write(stage.world, (writer) => writer.insert('activity_logs', [row]));
    await write(stage.world, (writer) => writer.update('activity_logs', row.id, { resource_id: 'r' }));
    const [, update] = (await seen(reader, 2)) as AnyRowChange[];
    expect(update?.after).toMatchObject({ resource_id: 'r' });
    expect(update?.after).not.toHaveProperty('metadata');
    await stage.agreed();
  });
}

/** jsonb sorts keys, json and memory do not: the transport may choose the text. */
export function withSortedJson(row: unknown): unknown {
  if (typeof row !== 'object' || row === null || !('metadata' in row)) return row;
  const { metadata } = row;
  return { ...row, metadata: typeof metadata === 'string' ? JSON.parse(metadata) : metadata };
}
