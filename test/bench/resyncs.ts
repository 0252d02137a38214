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
/** Copies of a single item, this many in a batch. */
const OF_ONE_ITEM = 50_000;
const AT_ONCE = 100;
/** Single re-syncs are too noisy to compare. */
const WINDOW = 10;
const RESYNC_AIM = 1.5;
const HEAP_AIM_MB = 100;
/** With few rows, other costs of a derivation dominate. */
const ANEW_AIM = 10;

const DATABASE = 'bench_resyncs';
const TODAY = parseDay('2026-03-20');
const settings = testSettings();

/** (h) A careless connector copies one student's grades and completions a thousand times: the last copy may cost no more than the first. */
export async function resyncs(world: World): Promise<BenchmarkResult> {
  const [syncs, rows] = [Math.max(4 * WINDOW, world.scaled(SYNCS)), Math.max(20_000, world.scaled(ROWS))];
  await world.onServer((db) => db.query(`CREATE DATABASE ${DATABASE}`));
  try {
    return await world.onAnalytics(async (db) => {
      await migrate(db);
      await beginCalendar(db, TODAY);
      const key = new CopiedKey(db, { student: 1, items: ITEMS, every: MS_PER_DAY / 4 });
      await key.sync();
      const each: number[] = [];
      while (each.length < syncs) each.push(await key.sync());
      const first = median(each.slice(0, WINDOW));
      const [last, worst] = [median(each.slice(-WINDOW)), Math.max(...each)];
      const item = await resyncOneItem(db, Math.max(2 * WINDOW, world.scaled(OF_ONE_ITEM / AT_ONCE)));
      await makeRows(db, rows);
      const bare = await readBare(db);
      const [anew, peak] = await withPeak(() => key.deriveAnew());
      const after = median([...(await times(WINDOW, () => key.sync()))]);
      return resultOf({ syncs, rows, first, last, worst, bare, anew, peak, after, item });
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

interface OneItem {
  readonly count: number;
  readonly first: number;
  readonly last: number;
  readonly worst: number;
  /** MB. */
  readonly peak: number;
}

/** One grade and one completion of another student, copied again and again. */
async function resyncOneItem(db: Database, batches: number): Promise<OneItem> {
  const key = new CopiedKey(db, { student: 2, items: 1, every: (250 * MS_PER_DAY) / (batches * AT_ONCE) });
  await key.sync();
  const [each, peak] = await withPeak(() => times(batches, () => key.sync(AT_ONCE)));
  const [first, last] = [median(each.slice(0, WINDOW)), median(each.slice(-WINDOW))];
  return { count: batches * AT_ONCE, first, last, worst: Math.max(...each), peak };
}

interface Copying {
  readonly student: number;
  readonly items: number;
  /** Between two re-syncs, by the source's clock, milliseconds. */
  readonly every: number;
}

let lsn = 0n;

/** One student in one course, with as many grades as completions. */
class CopiedKey {
  readonly #db: Database;
  readonly #copying: Copying;
  #sync = 0;

  constructor(db: Database, copying: Copying) {
    this.#db = db;
    this.#copying = copying;
  }

  /** Copies every row this many times, stages and derives the copies together. @returns milliseconds */
  async sync(count = 1): Promise<number> {
    const changes = Array.from({ length: count }, () => this.#copies()).flat();
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
      keys =
        engagement.claimed.length +
        performanceResult.claimed.length +
        (await deriveCourses(this.#db, settings, 5)).courses;
    }
  }

  #copies(): AnyRowChange[] {
    this.#sync += 1;
    return Array.from({ length: this.#copying.items }, (_, n) => [this.#grade(n), this.#completion(n)]).flat();
  }

  #row(): { id: string; position: AnyRowChange['position']; at: number } {
    lsn += 1n;
    // The last one is today's.
    const at = Math.floor((TODAY - 300) * MS_PER_DAY + this.#sync * this.#copying.every);
    return { id: randomUUID(), position: { epoch: 1, lsn }, at: Math.min(at, TODAY * MS_PER_DAY) };
  }

  get #key(): { readonly student_id: string; readonly course_id: string } {
    return { student_id: `00000000-0000-4000-8000-00000000000${this.#copying.student}`, course_id: COURSE };
  }

  #grade(n: number): AnyRowChange {
    const { at: timestamp, ...stamp } = this.#row();
    const after = { ...this.#key, grade_item: `Item ${n}`, grade_value: String(n), grade_max: '100', timestamp };
    return { table: 'grades', op: 'create', ...stamp, after };
  }

  #completion(n: number): AnyRowChange {
    const { at: timestamp, ...stamp } = this.#row();
    const metadata = `{"state": ${n % 2}}`;
    const row = { activity_type: 'completion', resource_id: `r${n}`, duration_seconds: null, timestamp, metadata };
    return { table: 'activity_logs', op: 'create', ...stamp, after: { ...this.#key, ...row } };
  }
}

const COURSE = '00000000-0000-4000-8000-0000000000c1';

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

/** Milliseconds for just reading the same rows through the same driver. */
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

/** The result of `work`, and by how many MB the heap grew meanwhile. */
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
  readonly item: OneItem;
}

function resultOf({ syncs, rows, first, last, worst, bare, anew, peak, after, item }: Measurements): BenchmarkResult {
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
        what: `of ${item.count.toLocaleString('en')} re-syncs of one grade and one completion, ${AT_ONCE} at once, the last of the first`,
        got: item.last / item.first,
        unit: '×',
        bound: 'at most',
        aim: RESYNC_AIM,
        against: `${ms(item.last)} beside ${ms(item.first)}, each the median of ${WINDOW}; the slowest of all took ${ms(item.worst)}`,
      },
      {
        what: 'meanwhile the heap grew by',
        got: Math.max(0, item.peak),
        unit: 'MB',
        bound: 'at most',
        aim: HEAP_AIM_MB,
        against: 'what it held before; with what nobody has collected yet',
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
