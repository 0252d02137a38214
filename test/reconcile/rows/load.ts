import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, type DatabaseAddress, openDatabase, type Queryable } from '#libs/platform/postgres/database.ts';

export const INSERT_EVENTS = `INSERT INTO activity_logs (student_id, course_id, activity_type, resource_id, "timestamp", metadata)
  SELECT md5('s' || 1 + floor(random() * 50))::uuid, md5('c' || 1 + floor(random() * 5))::uuid, 'view', 'r' || n, now(),
    jsonb_build_object('state', n % 4) FROM generate_series(1, $1::integer) AS n`;
const INSERT_GRADES = `INSERT INTO grades (student_id, course_id, grade_item, grade_value, grade_max, "timestamp")
  SELECT md5('s' || 1 + floor(random() * 50))::uuid, md5('c' || 1 + floor(random() * 5))::uuid, 'Quiz ' || n, n % 100, 100, now()
  FROM generate_series(1, $1::integer) AS n`;

/** Rows for the load to change. */
export async function fill(db: Database): Promise<void> {
  await db.query(
    `INSERT INTO students (id, external_id) SELECT md5('s' || n)::uuid, 's' || n FROM generate_series(1, 50) AS n`,
  );
  await db.query(
    `INSERT INTO courses (id, external_id) SELECT md5('c' || n)::uuid, 'c' || n FROM generate_series(1, 5) AS n`,
  );
  await db.query(INSERT_EVENTS, [3_000]);
  await db.query(INSERT_GRADES, [1_000]);
  await db.query(
    `INSERT INTO enrollments (id, student_id, course_id)
     SELECT md5('e' || n)::uuid, md5('s' || n)::uuid, md5('c1')::uuid FROM generate_series(1, 41) AS n`,
  );
}

const some = (table: string, share: number): string =>
  `id IN (SELECT id FROM ${table} TABLESAMPLE BERNOULLI (${share}))`;

/** A few of every kind, in short transactions. */
const SHORT: readonly (readonly [string, readonly number[]])[] = [
  [INSERT_EVENTS, [40]],
  [`UPDATE activity_logs SET resource_id = 'r' || floor(random() * 1000) WHERE ${some('activity_logs', 1)}`, []],
  [`DELETE FROM activity_logs WHERE ${some('activity_logs', 1)}`, []],
  [INSERT_GRADES, [10]],
  [`UPDATE grades SET grade_value = floor(random() * 100) WHERE ${some('grades', 2)}`, []],
  [`UPDATE activity_logs SET id = gen_random_uuid() WHERE ${some('activity_logs', 0.3)}`, []],
  [`UPDATE grades SET student_id = md5('s' || 1 + floor(random() * 50))::uuid WHERE ${some('grades', 1)}`, []],
];

export interface Load {
  readonly rounds: number;
  stop(): Promise<void>;
}

/** How long changes of the same rows are in the log before they commit, milliseconds; each on its own rows. */
const BREWING_MS = [3, 6, 12, 20, 30, 45, 70, 110, 170];

/** Rows that change so constantly that every look finds them changed: four of the first forty. */
const HOT = `UPDATE enrollments SET enrolled_at = clock_timestamp()
  WHERE id IN (SELECT md5('e' || n)::uuid FROM generate_series(1 + 4 * $1::integer, 4 + 4 * $1::integer) AS n)`;

/** The row after those: once its change is staged, so is everything written before it. */
const PROBE = `UPDATE enrollments SET enrolled_at = COALESCE(enrolled_at, '2026-01-01') + interval '1 second' WHERE id = md5('e41')::uuid`;
const PROBED = `SELECT enrolled_at FROM state.image_enrollments WHERE id = md5('e41')::uuid`;

/** Writers pause while staging is further behind than this. */
const MOST_BEHIND_MS = 500;

/**
 * Writes until stopped: one writer in short transactions, two in long ones, some on the same rows again and again, and
 * now and then a table is emptied. No faster than staging: otherwise waiting until everything is staged would never end.
 */
export function load(address: DatabaseAddress, analytics: Queryable): Load {
  const db = openDatabase(address, { connections: 16, name: 'test writer' });
  const state = { stopped: false, behind: false, rounds: 0 };
  const looping = async (work: (round: number) => Promise<unknown>): Promise<void> => {
    for (let round = 0; !state.stopped; round += 1) {
      while (state.behind && !state.stopped) await sleep(10);
      await work(round).catch(ignoreDeadlock);
    }
  };
  const staged = async (): Promise<unknown> =>
    (await analytics.query<{ enrolled_at: unknown }>(PROBED))[0]?.enrolled_at;
  const probing = (async () => {
    while (!state.stopped) {
      const before = await staged();
      await db.query(PROBE);
      const wroteAt = performance.now();
      while (!state.stopped && (await staged()) === before) {
        state.behind = performance.now() - wroteAt > MOST_BEHIND_MS;
        await sleep(10);
      }
      state.behind = false;
    }
  })();
  const short = looping(async (round) => {
    const [text, values] = SHORT[round % SHORT.length] ?? ['SELECT', []];
    await db.query(text, values);
    state.rounds += 1;
    if (round % 400 === 399) await emptied(db, round % 800 === 399 ? 'grades' : 'activity_logs');
  });
  const long = [0, 1].map((writer) =>
    looping(() =>
      db.transaction(async (tx) => {
        await tx.query(writer === 0 ? INSERT_EVENTS : INSERT_GRADES, [20]);
        await tx.query(
          `UPDATE activity_logs SET duration_seconds = floor(random() * 99) WHERE ${some('activity_logs', 0.5)}`,
        );
        await sleep(20 + 200 * Math.random());
        await tx.query(`DELETE FROM grades WHERE ${some('grades', 0.5)}`);
      }),
    ),
  );
  const hot = looping(() => db.query(HOT, [0]));
  // A change is in the log long before it commits: its place there makes it look old.
  const brewing = BREWING_MS.map((milliseconds, index) =>
    looping(() =>
      db.transaction(async (tx) => {
        await tx.query(HOT, [1 + index]);
        await sleep(milliseconds);
      }),
    ),
  );
  return {
    get rounds() {
      return state.rounds;
    },
    stop: async () => {
      state.stopped = true;
      await Promise.all([probing, short, hot, ...brewing, ...long]);
      await db.close();
    },
  };
}

async function emptied(db: Database, table: string): Promise<void> {
  await db.query(`TRUNCATE ${table}`);
  await db.query(table === 'grades' ? INSERT_GRADES : INSERT_EVENTS, [1_500]);
}

/** Two of these writers may deadlock. */
function ignoreDeadlock(error: unknown): void {
  if ((error as { code?: string }).code !== '40P01') throw error;
}
