import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { adoptFirstSettings, adoptSettings } from '#libs/pipeline/adopt.ts';
import { openLog } from '#libs/platform/log.ts';
import type { Database, SqlValue } from '#libs/platform/postgres/database.ts';
import { reconcileFeatures } from '#libs/reconcile/features/feature-reconciler.ts';
import { reconciliationsOf } from '#libs/reconcile/index.ts';
import { memorySource } from '#libs/source/memory/index.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { openAnalytics } from '#libs/store/schema/open.ts';
import { reconcileRun } from '../reconcile/features/run.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { startTestRoles } from '../support/pipeline.ts';
import { rowsReadBy } from '../support/rows-read.ts';
import { testSettings } from '../support/settings.ts';

/*
 * What is read for one thing does not grow with the rest: a school of five times as many keys reads five times as many
 * rows for work on all of them, and no more for a single change. Counted are rows and index entries, whatever the plan;
 * no time is measured.
 */

const TODAY = 20_532;
const ROWS_PER_KEY = 12;
const CHANGES = 40;
const STREAM = 'test';
const NAME = 'prepadata linear';

const settings = testSettings();
const uuid = (kind: number, n: number): string => `00000000-0000-4000-8000-${kind}${String(n).padStart(11, '0')}`;

interface Shape {
  readonly courses: number;
  /** In each course the same number. */
  readonly students: number;
}

/** Row `n` of a school, as a snapshot or a later log brings it. */
function row({ students }: Shape, n: number, lsn: bigint): AnyRowChange {
  const key = Math.floor(n / ROWS_PER_KEY);
  const common = { op: 'create' as const, position: { epoch: 1, lsn } };
  const of = { student_id: uuid(1, key % students), course_id: uuid(2, Math.floor(key / students)) };
  const timestamp = (TODAY - (n % 40)) * MS_PER_DAY + n;
  if (n % 4 === 0) {
    const after = {
      ...of,
      grade_item: `Quiz ${n % ROWS_PER_KEY}`,
      grade_value: `${n % 90}`,
      grade_max: '100',
      timestamp,
    };
    return { table: 'grades', id: uuid(3, n), ...common, after };
  }
  const activity = { activity_type: 'view', resource_id: null, duration_seconds: null, metadata: null };
  return { table: 'activity_logs', id: uuid(4, n), ...common, after: { ...of, ...activity, timestamp } };
}

/** Rows read by each kind of work, by its name. */
type RowsRead = Readonly<Record<string, number>>;

class School {
  readonly #analytics: TestDatabase;
  readonly #shape: Shape;
  readonly #source = memorySource();
  #applied = 1n;
  #day = TODAY;

  constructor(analytics: TestDatabase, shape: Shape) {
    this.#analytics = analytics;
    this.#shape = shape;
  }

  async measure(): Promise<RowsRead> {
    return {
      'a first snapshot': await this.#reading((db) => this.#snapshot(db)),
      changes: await this.#leastChanges(),
      midnight: await this.#reading((db) => this.#midnight(db)),
      'adopted settings': await this.#reading((db) => this.#adopt(db)),
      'the reconcile of features': await this.#reading((db) => this.#reconcile(db)),
    };
  }

  get #keys(): number {
    return this.#shape.courses * this.#shape.students;
  }

  #reading(work: (db: Database) => Promise<void>): Promise<number> {
    return rowsReadBy(this.#analytics.db, NAME, async () => {
      const signal = new AbortController().signal;
      const db = await openAnalytics(this.#analytics.address, {
        connections: 12,
        worksOnQueues: true,
        name: NAME,
        role: 'writer',
        log: openLog('silent'),
        signal,
      });
      try {
        await work(db);
      } finally {
        await db.close();
      }
    });
  }

  async #ask<T extends object>(statement: string, ...values: readonly SqlValue[]): Promise<T> {
    const [answer] = await this.#analytics.db.query<T>(statement, values);
    if (answer === undefined) throw new Error('no answer');
    return answer;
  }

  /** Derives until nothing waits. */
  async #derive(db: Database, begin: () => void = () => {}): Promise<void> {
    const clock = { now: () => this.#day * MS_PER_DAY + MS_PER_DAY / 2 };
    const pipeline = await startTestRoles({ source: this.#source, name: 'memory' }, { analytics: db, settings, clock });
    try {
      begin();
      await this.#source.drained();
      const waits = `SELECT (EXISTS (SELECT FROM state.key_mark) OR EXISTS (SELECT FROM state.course_mark)
        OR (SELECT today FROM state.calendar) <> $1::date) AS waits`;
      while ((await this.#ask<{ waits: boolean }>(waits, new Date(this.#day * MS_PER_DAY).toISOString())).waits) {
        if (pipeline.failure !== undefined) throw pipeline.failure;
        await sleep(20);
      }
    } finally {
      await pipeline.stop();
    }
  }

  #push(rows: readonly AnyRowChange[]): void {
    this.#applied += 1n;
    this.#source.push({ changes: rows, progress: { stream: STREAM, epoch: 1, applied: this.#applied } });
  }

  async #snapshot(db: Database): Promise<void> {
    await adoptFirstSettings(db, settings);
    await openProgressStore(db).beginEpoch(STREAM, 'a server', 'a test');
    await this.#derive(db, () => {
      const rows = this.#keys * ROWS_PER_KEY;
      for (let from = 0; from < rows; from += 1_000)
        this.#push(Array.from({ length: Math.min(1_000, rows - from) }, (_, n) => row(this.#shape, from + n, 0n)));
      this.#applied += 1n;
      const progress = { stream: STREAM, epoch: 1, applied: this.#applied };
      this.#source.push({ changes: [], progress, snapshotCompleted: { epoch: 1 } });
    });
  }

  /**
   * The least of three: where a class is derived between two of its keys, it is derived again after the other, and then all
   * of its keys are looked at. That is chance, and chance only adds.
   */
  async #leastChanges(): Promise<number> {
    const reads: number[] = [];
    for (let nth = 0; nth < 3; nth++) reads.push(await this.#reading((db) => this.#changes(db, nth)));
    return Math.min(...reads);
  }

  /** Changes a row each of keys that lie far apart. */
  #changes(db: Database, nth: number): Promise<void> {
    return this.#derive(db, () =>
      this.#push(
        Array.from({ length: CHANGES }, (_, n) => {
          const of = row(this.#shape, Math.floor((n * this.#keys) / CHANGES) * ROWS_PER_KEY + 1, this.#applied + 1n);
          return { ...of, id: uuid(5, nth * CHANGES + n) } as AnyRowChange;
        }),
      ),
    );
  }

  #midnight(db: Database): Promise<void> {
    this.#day += 1;
    return this.#derive(db);
  }

  async #adopt(db: Database): Promise<void> {
    await adoptSettings(db, { ...settings, fingerprint: `${settings.fingerprint} as before` });
    await adoptSettings(db, settings);
    await this.#derive(db);
  }

  async #reconcile(db: Database): Promise<void> {
    const run = reconcileRun(db, true);
    const { compared, left } = await reconcileFeatures(run, reconciliationsOf(settings), {}, settings.deriving);
    expect(left).toBe(0);
    expect(compared).toBeGreaterThan(this.#keys);
  }
}

const TIMES = 5;
/** By chance a key is derived once more, or a look for work comes earlier or later. */
const SLACK = 2.5;
const SMALL = { courses: 6, students: 20 };
const LARGE = {
  'more courses': { ...SMALL, courses: TIMES * SMALL.courses },
  'larger classes': { ...SMALL, students: TIMES * SMALL.students },
} as const;
let small: RowsRead;

async function rowsReadIn(shape: Shape): Promise<RowsRead> {
  const analytics = await createAnalyticsDatabase('linear');
  try {
    return await new School(analytics, shape).measure();
  } finally {
    await analytics.drop();
  }
}

beforeAll(async () => {
  small = await rowsReadIn(SMALL);
});

describe.each(Object.entries(LARGE))('five times the keys, by %s', (_, shape) => {
  let large: RowsRead;
  beforeAll(async () => {
    large = await rowsReadIn(shape);
  });

  test.each([
    ['a first snapshot', TIMES],
    ['changes', 1],
    ['midnight', TIMES],
    ['adopted settings', TIMES],
    ['the reconcile of features', TIMES],
  ])('for %s: %d times the rows are read', (work, times) => {
    expect(small[work]).toBeGreaterThan(CHANGES);
    expect(large[work]).toBeLessThan(SLACK * times * (small[work] ?? 0));
  });
});
