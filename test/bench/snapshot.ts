import { chmodSync, mkdirSync } from 'node:fs';
import path from 'node:path';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { together } from './floor.ts';
import { Meter, type Usage } from './measure.ts';
import { untilCaughtUp } from './product.ts';
import { openProfile } from './profile.ts';
import { type BenchmarkResult, figure, type Measured, median } from './report.ts';
import type { World } from './world.ts';

const AIM = 3;
const STAGING_AIM = 15;
/** COPY is fast and its speed varies, so it is repeated; an initial snapshot is not. */
const COPIES = 3;

/** (a) From an initial snapshot to finished features. */
export async function snapshot(world: World): Promise<BenchmarkResult> {
  const source = await world.source();
  const { measured: product, staged } = await readAll(world);
  world.noteSnapshot();
  const copies = together(await world.onAnalytics((db) => copyAll(world, db, COPIES)));
  const counts = await Promise.all(
    SOURCE_TABLES.map((table) => source.query<{ rows: number }>(`SELECT count(*)::integer AS rows FROM ${table}`)),
  );
  const rows = counts.reduce((sum, [count]) => sum + (count?.rows ?? 0), 0);
  const cpu = [staged.node ?? 0, staged.source, staged.analytics].map((seconds) => (seconds * 1e6) / rows);
  return {
    letter: 'a',
    title: `an initial snapshot of ${rows.toLocaleString('en')} rows to finished features`,
    verdicts: [
      {
        what: 'time, of a plain COPY',
        got: median(product.values) / median(copies.values),
        unit: '×',
        bound: 'at most',
        aim: AIM,
        against: 'the same rows by COPY from a file into tables with the same keys and indexes',
      },
      {
        what: 'CPU of staging a million rows, the start of the program included',
        got: cpu.reduce((sum, seconds) => sum + seconds),
        unit: 's',
        bound: 'at most',
        aim: STAGING_AIM,
        against: `Node ${figure(cpu[0] ?? 0)} s, the source ${figure(cpu[1] ?? 0)} s, the analytics database ${figure(cpu[2] ?? 0)} s`,
      },
    ],
    runs: [product, copies],
    notes: [
      `${Math.round((100 * staged.wallMs) / median(product.values))} % of that until all was staged`,
      `on disk, megabytes: the source ${await megabytesOf(source)}, what is made of it ${await world.onAnalytics(megabytesOf)}`,
    ],
  };
}

/** Starts the product on a source that it has not read, and measures until its features are finished. */
export async function readAll(world: World): Promise<{ measured: Measured; staged: Usage }> {
  const source = await world.source();
  const profile = openProfile(world, 'snapshot');
  const product = await world.startProduct({ profile: profile?.folder });
  try {
    const meter = new Meter(world.servers, product.pid);
    profile?.begin();
    await untilCaughtUp(product, source, world.analyticsAddress(), 'staged');
    const staged = meter.read();
    await untilCaughtUp(product, source, world.analyticsAddress());
    const usage = meter.read();
    return { measured: { name: 'the product', values: [usage.wallMs], unit: 'ms', usage }, staged };
  } finally {
    await product.stop();
    await profile?.end();
  }
}

async function megabytesOf(db: Database): Promise<number> {
  const [row] = await db.query<{ bytes: bigint }>('SELECT pg_database_size(current_database()) AS bytes');
  return Math.round(Number(row?.bytes ?? 0n) / 1e6);
}

/** Writes what staging wrote again, by plain COPY. */
async function copyAll(world: World, db: Database, times: number): Promise<Measured[]> {
  const folder = path.join(world.folder, 'copy');
  mkdirSync(folder, { recursive: true });
  // The server itself writes and reads the files, perhaps as another user.
  chmodSync(folder, 0o777);
  const images = SOURCE_TABLES.map((table) => ({ name: `image_${table}`, file: path.join(folder, table) }));
  for (const { name, file } of images) await db.query(`COPY state.${name} TO '${file}'`);
  const measured: Measured[] = [];
  for (let time = 0; time < times; time += 1) {
    await db.query('CREATE SCHEMA bench_copy');
    for (const { name } of images) await db.query(`CREATE TABLE bench_copy.${name} (LIKE state.${name} INCLUDING ALL)`);
    const meter = new Meter(world.servers, null);
    for (const { name, file } of images) await db.query(`COPY bench_copy.${name} FROM '${file}'`);
    const usage = meter.read();
    measured.push({ name: 'plain COPY', values: [usage.wallMs], unit: 'ms', usage });
    await db.query('DROP SCHEMA bench_copy CASCADE');
  }
  return measured;
}
