import { afterAll, beforeAll, expect, test } from 'vitest';
import { arrayText, parseArray, textArray } from '#libs/store/arrays.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';

/* Series are compared with the stored ones as text. */

let database: TestDatabase;
beforeAll(async () => {
  database = await createAnalyticsDatabase('arrays');
});
afterAll(() => database.drop());

test.each([[[]], [[0]], [[null]], [[1, null, -3, 2_147_483_647, null]]])(
  'integers are written as Postgres writes them: %j',
  async (values) => {
    const [row] = await database.db.query<{ text: string }>('SELECT $1::text::integer[]::text AS text', [
      arrayText(values),
    ]);
    expect(row?.text).toBe(arrayText(values));
    expect(parseArray(row?.text ?? '')).toEqual(values);
  },
);

test('texts arrive as they are', async () => {
  const values = ['plain', '', 'NULL', 'a,b', '"quoted"', 'back\\slash', '{braces}', ' spaces ', 'two\nlines'];
  const [row] = await database.db.query<{ values: string[] }>('SELECT $1::text::text[] AS values', [textArray(values)]);
  expect(row?.values).toEqual(values);
});
