import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { doubleText, singleText } from '#libs/source/kafka/floats.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

/** Postgres itself shows how it writes each number. */
let database: TestDatabase;
beforeAll(async () => {
  database = await createTestDatabase('floats', 1);
});
afterAll(() => database.drop());

const view = new DataView(new ArrayBuffer(8));

const DOUBLE = {
  type: 'float8',
  text: doubleText,
  bytes: 8,
  stored: (value: number) => value,
  next: (value: number, step: bigint) => {
    view.setFloat64(0, value);
    view.setBigInt64(0, view.getBigInt64(0) + step);
    return view.getFloat64(0);
  },
  ofBits: () => view.getFloat64(0),
};
const SINGLE: typeof DOUBLE = {
  type: 'float4',
  text: singleText,
  bytes: 4,
  stored: Math.fround,
  next: (value, step) => {
    view.setFloat32(0, value);
    view.setInt32(0, view.getInt32(0) + Number(step));
    return view.getFloat32(0);
  },
  ofBits: () => view.getFloat32(0),
};

/** More digits than any other number shares. */
const exactly = (value: number): string => {
  if (Object.is(value, -0)) return '-0';
  return Number.isFinite(value) ? value.toExponential(60) : String(value);
};

describe.each([DOUBLE, SINGLE])('$type', ({ type, text, bytes, stored, next, ofBits }) => {
  async function expectAsPostgres(values: readonly number[]): Promise<void> {
    const rows = await database.db.query<{ text: string }>(
      `SELECT v::${type}::text AS text FROM unnest($1::text[]) WITH ORDINALITY AS t (v, n) ORDER BY n`,
      [values.map(exactly)],
    );
    expect(values.map(text)).toEqual(rows.map((row) => row.text));
  }

  test('what is special, small, great, or written with an exponent', async () => {
    const special = [
      0,
      -0,
      Number.NaN,
      1 / 0,
      -1 / 0,
      1,
      -1,
      0.1,
      -12.5,
      99.99,
      1e5,
      123456,
      1e6,
      1e-4,
      1e-5,
      1e14,
      1e15,
    ];
    const between = [1e22, 1e23, 2 ** 54 + 4, 8388608.5, 16777216, 33554432, 0.000123456, 123456789012345680];
    await expectAsPostgres([...special, ...between].map(stored));
  });

  test('every power of two and of ten, and what is next to it', async () => {
    const powers: number[] = [];
    for (let exponent = -1074; exponent < 1024; exponent += 1) powers.push(2 ** exponent);
    for (let exponent = -323; exponent < 309; exponent += 1) powers.push(Number(`1e${exponent}`));
    await expectAsPostgres(powers.map(stored).flatMap((value) => [value, next(value, 1n), next(value, -1n)]));
  });

  test('any bits at all, and what grades look like', async () => {
    const values: number[] = [];
    for (let count = 0; count < 10_000; count += 1) {
      for (let byte = 0; byte < bytes; byte += 1) view.setUint8(byte, Math.floor(Math.random() * 256));
      values.push(ofBits(), stored(Math.round(Math.random() * 10_000_000) / 10 ** (count % 7)));
    }
    await expectAsPostgres(values);
  });
});
