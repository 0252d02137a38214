import { spawn } from 'node:child_process';
import path from 'node:path';
import { parseLsn } from '#libs/domain/position.ts';
import { openSettings } from '#libs/families/settings.ts';
import { startIntake } from '#libs/pipeline/intake.ts';
import { Work } from '#libs/pipeline/work.ts';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { openLog } from '#libs/platform/log.ts';
import { type Database, type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import { pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { migrate } from '#libs/store/schema/migrate.ts';
import { SOURCE_SCHEMA } from '../support/source-schema.ts';
import { IMAGES_SQL, installShape, SOURCE_SQL } from './campus.ts';
import { Meter } from './measure.ts';
import type { ReconcileTask, ReconcileTold } from './reconcile-child.ts';
import { type BenchmarkResult, figure, type Measured, median } from './report.ts';
import { scaleShape } from './scale.ts';
import type { World } from './world.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Rows of the source at full size; students and courses stay the same. */
export const RECONCILE_SIZES = [100_000, 1_000_000, 5_000_000] as const;
const ROUNDS = 2;
const AIM_TIME = 3;
const AIM_MEMORY = 1.2;

interface Place {
  readonly name: string;
  readonly rows: number;
  readonly source: DatabaseAddress;
  readonly analytics: DatabaseAddress;
}

/** The reconcile of rows against a bare reading of the same rows in the same order. */
export async function reconcile(world: World, full: readonly number[] = RECONCILE_SIZES): Promise<BenchmarkResult> {
  const results: { rows: number; bare: Measured; reconcile: Measured }[] = [];
  for (const size of full) {
    const name = `reconcile_${size}`;
    const onSource = <T>(work: (db: Database) => Promise<T>): Promise<T> =>
      on({ ...world.databases.source, database: 'postgres' }, work);
    await onSource((db) => db.query(`CREATE DATABASE ${name}`));
    await world.onServer((db) => db.query(`CREATE DATABASE ${name}`));
    const source = { ...world.databases.source, database: name };
    try {
      const place = await prepare(world, { name, rows: 0, source, analytics: world.analyticsAddress(name) }, size);
      results.push({ rows: place.rows, ...(await measure(world, place)) });
    } finally {
      await on(source, dropSlots);
      await onSource((db) => db.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
      await world.onServer((db) => db.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
    }
  }
  return resultOf(results);
}

export async function on<T>(address: DatabaseAddress, work: (db: Database) => Promise<T>): Promise<T> {
  const db = openDatabase(address, { connections: 1, name: 'bench' });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

export const dropSlots = (db: Database): Promise<unknown> =>
  db.query(
    'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database() AND NOT active',
  );

/** A source and images that are equal, and a stream that has reached the source's end. */
async function prepare(world: World, place: Place, size: number): Promise<Place> {
  const shape = scaleShape(world, world.scaled(size));
  await on(place.analytics, migrate);
  await on(place.source, (db) => db.query(SOURCE_SCHEMA));
  // An empty source is read at once; then the rows are created on both sides without being streamed.
  await following(place, async () => {});
  await on(place.source, async (db) => {
    await dropSlots(db);
    await installShape(db, shape);
    await db.query('SET session_replication_role = replica; SET synchronous_commit = off');
    await db.query(SOURCE_SQL);
    await db.query('VACUUM ANALYZE');
  });
  await on(place.analytics, async (db) => {
    await installShape(db, shape);
    await db.query(IMAGES_SQL);
    // As after a busy day: images carry the transaction that wrote them, which has to be checked.
    await db.query('UPDATE state.image_grades SET xid = (abs(hashtext(id::text)) % 700 + 3)::text::xid');
    await db.query('VACUUM ANALYZE');
  });
  const lsn = await on(place.source, async (db) => {
    const [slot] = await db.query<{ lsn: string }>(
      "SELECT lsn FROM pg_create_logical_replication_slot($1, 'pgoutput')",
      [`${place.name}_1`],
    );
    return parseLsn(slot?.lsn ?? '');
  });
  await on(place.analytics, (db) => db.query('UPDATE stream_progress SET applied = $1', [lsn]));
  const counted = await on(place.source, (db) =>
    db.query<{ rows: number }>(
      `SELECT ((SELECT count(*) FROM students) + (SELECT count(*) FROM courses) + (SELECT count(*) FROM enrollments)
         + (SELECT count(*) FROM grades) + (SELECT count(*) FROM activity_logs))::float8 AS rows`,
    ),
  );
  return { ...place, rows: counted[0]?.rows ?? 0 };
}

/** Runs `work` while the source is followed, as during a real reconcile. */
async function following<T>({ name, source: address, analytics }: Place, work: () => Promise<T>): Promise<T> {
  const db = openDatabase(analytics, { connections: 2, name: 'bench' });
  const log = openLog('warn');
  let fail: (error: unknown) => void = () => {};
  const failed = new Promise<never>((_, reject) => {
    fail = reject;
  });
  failed.catch(() => {});
  const source = pgoutputSource({ address, progress: openProgressStore(db), slotPrefix: name });
  const settings = await openSettings(loadConfig(), db);
  const intake = startIntake({ source, db, settings, work: new Work(), log, onFailure: fail });
  try {
    while (source.status().state !== 'streaming') await Promise.race([failed, new Promise((go) => setTimeout(go, 20))]);
    return await Promise.race([work(), failed]);
  } finally {
    await intake.stop();
    await db.close();
  }
}

async function measure(world: World, place: Place): Promise<{ bare: Measured; reconcile: Measured }> {
  const told: Record<ReconcileTask['mode'], (ReconcileTold & { usage: NonNullable<Measured['usage']> })[]> = {
    bare: [],
    reconcile: [],
  };
  await following(place, async () => {
    // Back and forth, so that drift does not decide; the first bare reading warms the caches for both.
    await child(world, place, 'bare');
    for (let round = 1; round <= (world.repeats ? ROUNDS : 1); round += 1) {
      for (const mode of round % 2 === 1 ? (['bare', 'reconcile'] as const) : (['reconcile', 'bare'] as const))
        told[mode].push(await child(world, place, mode));
    }
  });
  const measured = (mode: ReconcileTask['mode'], what: string): Measured => {
    const usage = told[mode].at(-1)?.usage;
    return {
      name: `${what}, ${place.rows.toLocaleString('en')} rows`,
      values: told[mode].map(({ rows, wallMs }) => (rows * 1_000) / wallMs),
      unit: 'rows/s',
      ...(usage === undefined ? {} : { usage }),
    };
  };
  return { bare: measured('bare', 'bare sorted reading'), reconcile: measured('reconcile', 'reconcile') };
}

function child(
  world: World,
  place: Place,
  mode: ReconcileTask['mode'],
): Promise<ReconcileTold & { usage: NonNullable<Measured['usage']> }> {
  const task: ReconcileTask = { mode, rows: place.rows };
  const meter = new Meter(world.servers, null);
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['libs/platform/launch.mjs', 'test/bench/reconcile-child.ts'], {
      cwd: ROOT,
      env: {
        ...process.env,
        ...addressEnv('SOURCE_DB', place.source),
        ...addressEnv('ANALYTICS_DB', place.analytics),
        BENCH_TASK: JSON.stringify(task),
      },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    world.keep(child);
    let said: ReconcileTold | undefined;
    child.on('message', (message) => {
      said = message as ReconcileTold;
    });
    child.once('error', reject);
    child.once('exit', (code) => {
      if (said === undefined) reject(new Error(`the child ended with code ${code}`));
      else {
        const { wallMs, cpu: node, peakRssMb } = said;
        resolve({ ...said, usage: { ...meter.read(), wallMs, node, peakRssMb } });
      }
    });
  });
}

function resultOf(results: readonly { rows: number; bare: Measured; reconcile: Measured }[]): BenchmarkResult {
  const peak = ({ reconcile }: { reconcile: Measured }): number => reconcile.usage?.peakRssMb ?? 0;
  const [last, before] = [results.at(-1), results.at(-2)];
  const memory =
    last === undefined || before === undefined
      ? []
      : [
          {
            what: `peak RSS of the reconcile at ${last.rows.toLocaleString('en')} rows over ${before.rows.toLocaleString('en')}`,
            got: peak(last) / peak(before),
            unit: '×' as const,
            bound: 'at most' as const,
            aim: AIM_MEMORY,
            against: `${results.map((result) => figure(peak(result))).join(' / ')} MB`,
          },
        ];
  return {
    letter: 'reconcile',
    title: 'every row of the source compared with its image, against a bare sorted reading of the same rows',
    verdicts: [
      ...results.map(({ rows, bare, reconcile }) => ({
        what: `time of the reconcile over that of the bare reading, ${rows.toLocaleString('en')} rows`,
        got: median(bare.values) / median(reconcile.values),
        unit: '×' as const,
        bound: 'at most' as const,
        aim: AIM_TIME,
        against: `${figure(median(reconcile.values))} against ${figure(median(bare.values))} rows/s`,
      })),
      ...memory,
    ],
    runs: results.flatMap(({ bare, reconcile }) => [bare, reconcile]),
    notes: [],
  };
}
