import { afterEach, beforeEach, expect, test } from 'vitest';
import { NOTHING } from '../../support/nothing.ts';
import { untilSettled } from './settled.ts';
import { RowWorld } from './world.ts';

/* A source in SQL_ASCII holds whatever bytes were written. A row that is not valid text is set aside by name; nothing stops. */

let world: RowWorld;
const badItem = `convert_from('\\x636166e9'::bytea, 'SQL_ASCII')`;

beforeEach(async () => {
  world = await RowWorld.open('encoding', 'SQL_ASCII');
  await write('read');
  world.begin();
  await untilSettled(world);
});
afterEach(() => world.drop());

/** A grade whose item is not valid text and one whose item is; the same for activities, in resource and in metadata. */
const write = (life: string) =>
  world.source.db.query(`
    INSERT INTO grades (id, student_id, course_id, grade_item, grade_value, grade_max, "timestamp")
    SELECT md5('${life}' || n)::uuid, md5('s')::uuid, md5('c')::uuid, CASE n WHEN 1 THEN ${badItem} ELSE 'quiz é' END, 5, 10, '2026-03-03'
      FROM generate_series(1, 2) AS n;
    INSERT INTO activity_logs (id, student_id, course_id, activity_type, resource_id, "timestamp", metadata)
    SELECT md5('${life} a' || n)::uuid, md5('s')::uuid, md5('c')::uuid, 'view', CASE n WHEN 1 THEN ${badItem} ELSE 'r' END, '2026-03-03',
           jsonb_build_object(CASE n WHEN 2 THEN 'event_id' ELSE 'title' END, ${badItem})
      FROM generate_series(1, 3) AS n`);

const rejected = () =>
  world.analytics.db.query<{ source_table: string; source_id: string; reason: string }>(
    'SELECT source_table, source_id::text, reason FROM rejected_change ORDER BY 1, 2',
  );
const idsOf = async (table: string, words: readonly string[]): Promise<object[]> => {
  const rows = await world.source.db.query<{ id: string }>(
    'SELECT md5(w)::uuid::text AS id FROM unnest($1::text[]) AS w',
    [words],
  );
  return rows.map(({ id }) => ({ source_table: table, source_id: id, reason: 'not_utf8' }));
};
const sorted = (rows: readonly object[]): object[] =>
  [...rows].sort((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));

test('in the initial snapshot and in the stream; what nobody needs may be anything; the reconcile sees no difference', async () => {
  await write('streamed');
  await untilSettled(world);
  expect(world.failure).toBeUndefined();
  const expected = [
    ...(await idsOf('activity_logs', ['read a1', 'read a2', 'streamed a1', 'streamed a2'])),
    ...(await idsOf('grades', ['read1', 'streamed1'])),
  ];
  expect(sorted(await rejected())).toEqual(sorted(expected));
  expect(await world.reconcile()).toMatchObject({ kinds: NOTHING, left: 0, skipped: 0, compared: 10 });
});

test('a row that is put right counts again, and one that is spoilt no more', async () => {
  await world.source.db.query(`UPDATE grades SET grade_item = 'quiz' WHERE id = md5('read1')::uuid;
                               UPDATE grades SET grade_item = ${badItem} WHERE id = md5('read2')::uuid`);
  await untilSettled(world);
  const grades = (await rejected()).filter((row) => row.source_table === 'grades');
  expect(grades).toEqual(await idsOf('grades', ['read2']));
  expect(await world.reconcile()).toMatchObject({ kinds: NOTHING, left: 0 });
});

test('an image that lost such a row is repaired, and the row is set aside as before', async () => {
  await world.analytics.db.query(
    `DELETE FROM state.image_grades WHERE id = md5('read1')::uuid; DELETE FROM rejected_change`,
  );
  expect(await world.reconcile()).toMatchObject({ kinds: { 'row missed': 1 }, left: 0 });
  expect(await rejected()).toEqual(await idsOf('grades', ['read1']));
});
