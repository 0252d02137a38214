import { randomUUID } from 'node:crypto';
import type { AnyRowChange } from '#libs/domain/change.ts';
import type { Family } from '#libs/domain/family.ts';
import { MS_PER_DAY, parseDay } from '#libs/domain/local-date.ts';
import { ROW_FAMILIES } from '#libs/domain/source-tables/index.ts';
import type { DeriveOptions } from '#libs/pipeline/derive.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { RowCache } from '#libs/store/images/row-cache.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { beginCalendar } from '#libs/store/keys/calendar.ts';
import { migrate } from '#libs/store/schema/migrate.ts';
import { randomFrom } from '../../services/sandbox/campus/random.ts';
import { deriveAll } from '../support/derive-all.ts';
import { testSettings } from '../support/settings.ts';
import { idOf } from './load.ts';
import { Meter } from './measure.ts';
import type { BenchmarkResult } from './report.ts';
import type { World } from './world.ts';

/** As in a course of the Open University: a year's presentation of one module. */
const KEYS = 400;
const ROWS_PER_KEY = 480;
const DAYS = 250;
const CHANGES = 20_000;
const BATCH = 50;
const AIM_MS = 0.5;

const DATABASE = 'bench_warm_keys';
const TODAY = parseDay('2026-03-20');
const COURSE = idOf('course', 1);
const settings = testSettings();

/** (i) One new row of a key that has hundreds and was derived a moment ago: the cost of staging and deriving it. */
export async function warmKeys(world: World): Promise<BenchmarkResult> {
  // A small run has enough changes to compare figures, the smallest just enough to have any.
  const changes = Math.min(CHANGES, Math.max(10 * BATCH, world.scaled(15 * CHANGES)));
  await world.onServer((db) => db.query(`CREATE DATABASE ${DATABASE}`));
  try {
    return await world.onAnalytics(async (db) => {
      await migrate(db);
      await beginCalendar(db, TODAY);
      await makeKeys(db);
      await deriveAll(db, settings, BATCH, toolsOf);
      await change(db, changes / 4);
      const meter = new Meter(world.servers, process.pid);
      const staged = await change(db, changes);
      const usage = meter.read();
      const each = (1000 * ((usage.node ?? 0) + usage.analytics)) / changes;
      return {
        letter: 'i',
        title: `${changes.toLocaleString('en')} new rows of ${KEYS} keys with ${ROWS_PER_KEY} rows each, ${BATCH} at once`,
        verdicts: [
          {
            what: 'CPU of Node and Postgres for each',
            got: each,
            unit: 'ms',
            bound: 'at most',
            aim: AIM_MS,
            against: `of it for staging ${((1000 * staged) / changes).toFixed(2)} ms of Node`,
          },
        ],
        runs: [{ name: 'staged and derived', values: [(1000 * changes) / usage.wallMs], unit: 'changes/s', usage }],
        notes: [],
      };
    }, DATABASE);
  } finally {
    await world.onServer((db) => db.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`));
  }
}

async function makeKeys(db: Database): Promise<void> {
  await db.query('INSERT INTO course (source_id) VALUES ($1)', [COURSE]);
  const students = Array.from({ length: KEYS }, (_, n) => idOf('student', n + 1));
  await db.query('INSERT INTO student (source_id) SELECT unnest($1::uuid[])', [students]);
  await db.query(
    `INSERT INTO state.image_activity_logs
       (id, epoch, lsn, live, student_id, course_id, activity_type, resource_id, "timestamp")
     SELECT gen_random_uuid(), 1, n, true, student_id, 1, CASE WHEN n % 40 = 0 THEN 'forum_post' ELSE 'view' END,
       gen_random_uuid()::text, ${(TODAY - DAYS) * MS_PER_DAY}::bigint + (n * ${DAYS} / ${ROWS_PER_KEY}) * ${MS_PER_DAY}::bigint + n * 1000
     FROM student CROSS JOIN generate_series(1, ${ROWS_PER_KEY}) AS n
     ORDER BY n`,
  );
  await db.query(
    `INSERT INTO state.image_grades (id, epoch, lsn, live, student_id, course_id, grade_item, grade_value, grade_max, "timestamp")
     SELECT gen_random_uuid(), 1, n, true, student_id, 1, 'Essay ' || n, (50 + n)::text, '100',
       ${(TODAY - DAYS) * MS_PER_DAY}::bigint + n * 30 * ${MS_PER_DAY}::bigint
     FROM student CROSS JOIN generate_series(1, 8) AS n`,
  );
  await db.query(
    `INSERT INTO state.key_mark (family, course_id, student_id, priority)
     SELECT family, 1, student_id, 0 FROM student CROSS JOIN unnest(ARRAY['engagement', 'performance']) AS family`,
  );
  await db.query('VACUUM ANALYZE');
}

let lsn = 1_000_000n;

/** @returns the CPU seconds that staging took in Node */
async function change(db: Database, count: number): Promise<number> {
  const random = randomFrom('warm keys');
  let staging = 0;
  for (let done = 0; done < count; done += BATCH) {
    const changes = Array.from({ length: BATCH }, () => newRow(1 + random.int(0, KEYS - 1)));
    const before = process.cpuUsage();
    await stageBatch(db, { changes }, settings.reading);
    const used = process.cpuUsage(before);
    staging += (used.user + used.system) / 1e6;
    await deriveAll(db, settings, BATCH, toolsOf);
  }
  return staging;
}

function newRow(student: number): AnyRowChange {
  lsn += 1n;
  const timestamp = TODAY * MS_PER_DAY + (Number(lsn) % 80_000) * 1000;
  const key = { student_id: idOf('student', student), course_id: COURSE };
  const row = { activity_type: 'view', resource_id: `r${lsn}`, duration_seconds: null, metadata: null, timestamp };
  return {
    table: 'activity_logs',
    op: 'create',
    id: randomUUID(),
    position: { epoch: 1, lsn },
    after: { ...key, ...row },
  };
}

const caches = new Map(ROW_FAMILIES.map((family) => [family, new RowCache()]));

function toolsOf(family: Family): DeriveOptions {
  const cache = caches.get(family);
  return cache === undefined ? {} : { cache };
}
