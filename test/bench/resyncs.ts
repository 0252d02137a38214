import { randomUUID } from 'node:crypto';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { MS_PER_DAY, parseDay } from '#libs/domain/local-date.ts';
import { engagementFamily } from '#libs/families/engagement.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import { deriveCourses } from '#libs/pipeline/course.ts';
import { deriveBatch } from '#libs/pipeline/derive.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { migrate } from '#libs/store/schema/migrate.ts';
import { testSettings } from '../support/settings.ts';
import { type BenchmarkResult, median } from './report.ts';
import type { World } from './world.ts';

const SYNCS = 1_000;
const ITEMS = 100;
/** Of the key whose rows are made in SQL. */
const ROWS = 500_000;
/** Single re-syncs are as noisy as the machine is. */
const WINDOW = 10;
const RESYNC_AIM = 1.5;
/** Of few rows what a derivation costs besides counts. */
const ANEW_AIM = 10;

const DATABASE = 'bench_resyncs';
const TODAY = parseDay('2026-03-20');
const settings = testSettings();

/** (h) A careless connector copies one student's grades and completions a thousand times: the last may cost no more than the first. */
export async function resyncs(world: World): Promise<BenchmarkResult> {
  const [syncs, rows] = [Math.max(4 * WINDOW, world.scaled(SYNCS)), Math.max(20_000, world.scaled(ROWS))];
  await world.onServer((db) => db.query(`CREATE DATABASE ${DATABASE}`));
  try {
    return await world.onAnalytics(async (db) => {
      await migrate(db);
      await beginCalendar(db, TODAY);
      const key = new CopiedKey(db);
      await key.sync();
      const each: number[] = [];
      while (each.length < syncs) each.push(await key.sync());
      const first = median(each.slice(0, WINDOW));
      const [last, worst] = [median(each.slice(-WINDOW)), Math.max(...each)];
      await makeRows(db, rows);
      const bare = await readBare(db);
      const [anew, peak] = await withPeak(() => key.deriveAnew());
      const after = median([...(await times(WINDOW, () => key.sync()))]);
      return resultOf({ syncs, rows, first, last, worst, bare, anew, peak, after });
    }, DATABASE);
  } finally {
    await world.onServer((db) => db.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`));
  }
}

async function times(count: number, work: () => Promise<number>): Promise<number[]> {
  const values: number[] = [];
  while (values.length < count) values.push(await work());
  return values;
}

/** One student in one course, with as many grades as completions. */
class CopiedKey {
  readonly #db: Database;
  #lsn = 0n;
  #sync = 0;

  constructor(db: Database) {
    this.#db = db;
  }

  /** Copies every row once more, stages and derives it. @returns milliseconds */
  async sync(): Promise<number> {
    const changes = Array.from({ length: ITEMS }, (_, n) => [this.#grade(n), this.#completion(n)]).flat();
    this.#sync += 1;
    const began = performance.now();
    await stageBatch(this.#db, { changes }, settings.reading);
    await this.#derive();
    return performance.now() - began;
  }

  /** Reads and folds all rows. @returns milliseconds */
  async deriveAnew(): Promise<number> {
    await this.#db.query(
      `INSERT INTO state.key_mark (family, course_id, student_id, priority)
       SELECT family, course_id, student_id, 0 FROM state.key`,
    );
    const began = performance.now();
    await this.#derive();
    return performance.now() - began;
  }

  async #derive(): Promise<void> {
    for (let keys = 1; keys > 0; ) {
      const engagement = await deriveBatch(this.#db, engagementFamily, settings, 50);
      const performanceResult = await deriveBatch(this.#db, performanceFamily, settings, 50);
      keys = engagement.keys + performanceResult.keys + (await deriveCourses(this.#db, settings, 5)).courses;
    }
  }

  #row(): { id: string; position: AnyRowChange['position']; at: number } {
    this.#lsn += 1n;
    // Four a day, the last today.
    const at = TODAY * MS_PER_DAY - 300 * MS_PER_DAY + (this.#sync * MS_PER_DAY) / 4;
    return { id: randomUUID(), position: { epoch: 1, lsn: this.#lsn }, at: Math.min(at, TODAY * MS_PER_DAY) };
  }

  #grade(n: number): AnyRowChange {
    const { at: timestamp, ...stamp } = this.#row();
    const after = { ...KEY, grade_item: `Item ${n}`, grade_value: String(n), grade_max: '100', timestamp };
    return { table: 'grades', op: 'create', ...stamp, after };
  }

  #completion(n: number): AnyRowChange {
    const { at: timestamp, ...stamp } = this.#row();
    const metadata = `{"state": ${n % 2}}`;
    const row = { activity_type: 'completion', resource_id: `r${n}`, duration_seconds: null, timestamp, metadata };
    return { table: 'activity_logs', op: 'create', ...stamp, after: { ...KEY, ...row } };
  }
}

const KEY = {
  student_id: '00000000-0000-4000-8000-000000000001',
  course_id: '00000000-0000-4000-8000-0000000000c1',
};

/** Rows of the one key as staging would make them: {@link ITEMS} items, each copied again and again. */
async function makeRows(db: Database, rows: number): Promise<void> {
  await db.query(
    `INSERT INTO state.image_grades (id, epoch, lsn, live, student_id, course_id, grade_item, grade_value, grade_max, "timestamp")
     SELECT gen_random_uuid(), 1, 10000000 + n, true, 1, 1, 'Item ' || n % ${ITEMS}, (n % ${ITEMS})::text, '100',
       ${(TODAY - 300) * MS_PER_DAY}::bigint + (n / ${ITEMS}) * 1000
     FROM generate_series(1, $1::integer) AS n`,
    [rows],
  );
  await db.query('VACUUM ANALYZE state.image_grades');
}

/** Milliseconds for reading the same rows through the same driver, and nothing else. */
async function readBare(db: Database): Promise<number> {
  const began = performance.now();
  await db.transaction(async (tx) => {
    await tx.query(
      `DECLARE bare NO SCROLL CURSOR FOR SELECT grade_item, grade_value, grade_max, "timestamp"::double precision
       FROM state.image_grades WHERE live AND student_id = 1 AND course_id = 1`,
    );
    while ((await tx.query('FETCH 2000 FROM bare')).length > 0);
  });
  return performance.now() - began;
}

/** What `work` gave, and by how many MB the heap grew meanwhile. */
async function withPeak<T>(work: () => Promise<T>): Promise<[T, number]> {
  const before = process.memoryUsage().heapUsed;
  let peak = before;
  const timer = setInterval(() => {
    peak = Math.max(peak, process.memoryUsage().heapUsed);
  }, 5);
  try {
    return [await work(), (peak - before) / 1e6];
  } finally {
    clearInterval(timer);
  }
}

interface Measurements {
  readonly syncs: number;
  readonly rows: number;
  readonly first: number;
  readonly last: number;
  readonly worst: number;
  readonly bare: number;
  readonly anew: number;
  readonly peak: number;
  readonly after: number;
}

function resultOf({ syncs, rows, first, last, worst, bare, anew, peak, after }: Measurements): BenchmarkResult {
  const ms = (value: number): string => `${value.toFixed(1)} ms`;
  const count = rows.toLocaleString('en');
  return {
    letter: 'h',
    title: `${syncs.toLocaleString('en')} re-syncs of one student's ${ITEMS} grades and ${ITEMS} completions`,
    verdicts: [
      {
        what: `the ${syncs.toLocaleString('en')}th, staged and derived, of the first`,
        got: last / first,
        unit: '×',
        bound: 'at most',
        aim: RESYNC_AIM,
        against: `${ms(last)} beside ${ms(first)}, each the median of ${WINDOW}; the slowest of all took ${ms(worst)}`,
      },
      {
        what: `one behind ${count} rows of the key, of the first`,
        got: after / first,
        unit: '×',
        bound: 'at most',
        aim: RESYNC_AIM,
        against: `${ms(after)}`,
      },
      {
        what: `deriving ${count} rows anew, of reading them bare`,
        got: anew / bare,
        unit: '×',
        bound: 'at most',
        aim: ANEW_AIM,
        against: `${ms(anew)} beside ${ms(bare)}; the heap grew by ${peak.toFixed(0)} MB at most`,
      },
    ],
    runs: [{ name: 're-syncs', values: [(2 * ITEMS * 1000) / last], unit: 'rows/s' }],
    notes: [],
  };
}
