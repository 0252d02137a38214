import type { Database } from '#libs/platform/postgres/database.ts';
import { Meter } from './measure.ts';
import type { Measured } from './report.ts';
import type { World } from './world.ts';

const ROWS_PER_STATEMENT = 1_000;
const FLOOR = 'bench_floor';

const TABLE = `CREATE TABLE upserted (
  student_id integer, course_id integer, a integer, b integer, c bigint, d numeric(5, 2), e timestamptz, f text,
  PRIMARY KEY (student_id, course_id)
) WITH (fillfactor = 85)`;

const UPSERT = `INSERT INTO upserted
  SELECT * FROM unnest($1::integer[], $2::integer[], $3::integer[], $4::integer[], $5::bigint[], $6::numeric[],
    $7::timestamptz[], $8::text[])
  ON CONFLICT (student_id, course_id) DO UPDATE SET
    a = excluded.a, b = excluded.b, c = excluded.c, d = excluded.d, e = excluded.e, f = excluded.f`;

/**
 * The raw upsert floor: one upsert of an eight-column row per change, over as many keys, a thousand to a statement, on
 * one connection, each statement its own transaction. No pipeline that writes a row per change can be faster.
 */
export async function upsertFloor(world: World, rows: number): Promise<Measured> {
  await world.onServer((db) => db.query(`CREATE DATABASE ${FLOOR}`));
  const values: number[] = [];
  try {
    const usage = await world.onAnalytics(async (db) => {
      await db.query(TABLE);
      await upsert(db, world.shape.keys, Math.min(rows, 20_000));
      const meter = new Meter(world.servers, process.pid);
      await upsert(db, world.shape.keys, rows);
      return meter.read();
    }, FLOOR);
    values.push(rows / (usage.wallMs / 1000));
    return { name: 'raw upsert floor', values, unit: 'rows/s', usage: { ...usage, peakRssMb: null } };
  } finally {
    await world.onServer((db) => db.query(`DROP DATABASE ${FLOOR} WITH (FORCE)`));
  }
}

async function upsert(db: Database, keys: number, rows: number): Promise<void> {
  for (let from = 0; from < rows; from += ROWS_PER_STATEMENT) {
    const count = Math.min(ROWS_PER_STATEMENT, rows - from, keys);
    // A statement may not touch a row twice: neighbours are far apart, and every key has its turn.
    const numbers = Array.from({ length: count }, (_, index) => ((from + index) * 7_919) % keys);
    await db.query({ name: 'bench/upsert', text: UPSERT }, [
      numbers,
      numbers.map((key) => key % 80),
      numbers.map((_, index) => from + index),
      numbers.map((key) => key % 365),
      numbers.map((_, index) => BigInt(from + index)),
      numbers.map((key) => (key % 10_000) / 100),
      numbers.map((_, index) => new Date(1_700_000_000_000 + from + index)),
      numbers.map((key) => `1:0/${key.toString(16)}`),
    ]);
  }
}

/** The runs of one thing, merged. */
export const together = (runs: readonly Measured[]): Measured => {
  const [last] = runs.slice(-1);
  if (last === undefined) throw new RangeError('nothing was measured');
  return { ...last, values: runs.flatMap((run) => run.values) };
};
