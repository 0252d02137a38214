import { systemClock } from '#libs/domain/clock.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { resync } from '../../services/sandbox/campus/resync.ts';
import { upsertFloor } from './floor.ts';
import { Meter } from './measure.ts';
import { untilCaughtUp } from './product.ts';
import { openProfile } from './profile.ts';
import { type BenchmarkResult, median } from './report.ts';
import type { World } from './world.ts';

const ROWS = 1_000_000;
const FLOOR_AIM = 0.15;
/** Bytes of everything else over bytes of images: what vacuum leaves of queues that were full for a while. */
const GROWTH_AIM = 0.01;

const FEATURES = ['engagement_features', 'performance_features', 'anomaly_features'] as const;

interface Held {
  /** The version of the latest feature row. */
  readonly version: bigint;
  readonly outbox: number;
  readonly images: number;
  readonly others: number;
}

/** (e) A careless connector inserts existing rows again: nothing may come of it except images. */
export async function noise(world: World): Promise<BenchmarkResult> {
  await world.snapshotTaken();
  const source = await world.source();
  const before = await world.onAnalytics(hold);
  let rows = 0;
  const wanted = world.scaled(ROWS);
  while (rows < wanted) rows += await resyncOnce(source);
  const floor = world.floor ?? (await upsertFloor(world, world.scaled(300_000)));
  const profile = openProfile(world, 'noise');
  // Topics are on, so that a changed row would enter the outbox; it would stay there, since nothing listens on this port.
  const topics = { FEATURE_TOPICS: 'on', KAFKA_BROKERS: '127.0.0.1:9', SCHEMA_REGISTRY_URL: 'http://127.0.0.1:9' };
  const product = await world.startProduct({ env: topics, profile: profile?.folder });
  const meter = new Meter(world.servers, product.pid);
  profile?.begin();
  try {
    await untilCaughtUp(product, source, world.analyticsAddress());
    const usage = meter.read();
    await product.stop();
    const { after, changed } = await world.onAnalytics(async (db) => ({
      after: await hold(db),
      changed: await countChanged(db, before.version),
    }));
    return resultOf(rows, { before, after, changed }, { usage, floor: median(floor.values) });
  } finally {
    await product.stop();
    await profile?.end();
  }
}

/** @returns the rows inserted */
async function resyncOnce(source: Database): Promise<number> {
  const { enrollments, grades, completions } = await resync(source, { clock: systemClock });
  return enrollments + grades + completions;
}

function resultOf(
  rows: number,
  { before, after, changed }: { before: Held; after: Held; changed: number },
  { usage, floor }: { usage: ReturnType<Meter['read']>; floor: number },
): BenchmarkResult {
  const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(1)} MB`;
  const [images, others] = [after.images - before.images, after.others - before.others];
  const speed = rows / (usage.wallMs / 1000);
  return {
    letter: 'e',
    title: `${rows.toLocaleString('en')} rows of re-sync noise`,
    verdicts: [
      {
        what: 'feature rows changed',
        got: changed,
        unit: 'rows',
        bound: 'at most',
        aim: 0,
        against: `${rows.toLocaleString('en')} rows staged`,
      },
      {
        what: 'rows noted for the topics',
        got: after.outbox - before.outbox,
        unit: 'rows',
        bound: 'at most',
        aim: 0,
        against: 'topics are on',
      },
      {
        what: 'growth of all other tables, of that of images',
        got: others / images,
        unit: '×',
        bound: 'at most',
        aim: GROWTH_AIM,
        against: `${megabytes(others)} beside ${megabytes(images)} of images, after a VACUUM`,
      },
      {
        what: 'rows a second, of the floor',
        got: speed / floor,
        unit: '×',
        bound: 'at least',
        aim: FLOOR_AIM,
        against: `the raw upsert floor makes ${Math.round(floor).toLocaleString('en')} rows/s`,
      },
    ],
    runs: [{ name: 'the product', values: [speed], unit: 'rows/s', usage }],
    notes: [],
  };
}

async function hold(db: Database): Promise<Held> {
  await db.query('VACUUM');
  const [row] = await db.query<Held>(`
    SELECT
      greatest(${FEATURES.map((table) => `(SELECT max(row_version) FROM ${table})`).join(', ')}, 0) AS version,
      (SELECT count(*)::integer FROM outbox) AS outbox,
      sum(pg_total_relation_size(c.oid)) FILTER (WHERE relname LIKE 'image\\_%')::double precision AS images,
      sum(pg_total_relation_size(c.oid)) FILTER (WHERE relname NOT LIKE 'image\\_%')::double precision AS others
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = relnamespace
    WHERE nspname IN ('public', 'state') AND relkind = 'r'`);
  if (row === undefined) throw new Error('the tables could not be measured');
  return row;
}

async function countChanged(db: Database, since: bigint): Promise<number> {
  const counts = await Promise.all(
    FEATURES.map((table) =>
      db.query<{ rows: number }>(`SELECT count(*)::integer AS rows FROM ${table} WHERE row_version > $1`, [since]),
    ),
  );
  return counts.reduce((sum, [row]) => sum + (row?.rows ?? 0), 0);
}
