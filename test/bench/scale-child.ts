import { setTimeout as sleep } from 'node:timers/promises';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { systemClock } from '#libs/domain/clock.ts';
import { openSettings } from '#libs/families/settings.ts';
import { startPipeline } from '#libs/pipeline/pipeline.ts';
import { analyticsAddress, loadConfig } from '#libs/platform/config/config.ts';
import { openLog } from '#libs/platform/log.ts';
import { type Database, openDatabase } from '#libs/platform/postgres/database.ts';
import type { ChangeBatch } from '#libs/source/contract.ts';
import { type MemorySource, memorySource } from '#libs/source/memory/index.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { migrate } from '#libs/store/schema/migrate.ts';
import { anomalyRole } from '../../services/anomaly/role.ts';
import { engagementRole } from '../../services/engagement/role.ts';
import { performanceRole } from '../../services/performance/role.ts';
import { type Random, randomFrom } from '../../services/sandbox/campus/random.ts';
import { IMAGES_SQL, installShape, type Shape } from './campus.ts';
import { idOf, keyIds } from './load.ts';
import type { ScaleTask } from './scale.ts';

// Prepares a database with a number of images, or stages and derives changes on it and reports the cost. The changes
// come from memory, so only the analytics side is measured.
const EPOCH = 1;
const STREAM = 'bench';
/** As many as queue up on a busy day. */
const CHANGES_PER_BATCH = 100;
const WARM_UP = 500;

/** What `bench.live` writes, as changes; `at` numbers them across the runs on one database. */
function change(random: Random, at: number, shape: Shape): AnyRowChange {
  const k = Math.floor(shape.keys * random.next() ** 1.5);
  const { student: student_id, course: course_id } = keyIds(k, shape);
  const chance = random.next();
  const timestamp = systemClock.now();
  const stamp = { position: { epoch: EPOCH, lsn: BigInt(at) }, committedAt: timestamp };
  const id = idOf('live', at);
  const old = random.int(0, shape.events - 1);
  const activity = {
    student_id,
    course_id,
    resource_id: `r${at % 40}`,
    duration_seconds: null,
    timestamp,
    metadata: null,
  };
  if (chance < 0.72) {
    return { table: 'activity_logs', op: 'create', id, ...stamp, after: { ...activity, activity_type: 'view' } };
  }
  if (chance < 0.8) {
    const after = { ...activity, activity_type: 'completion', resource_id: `c${at % 4}`, metadata: '{"state": 1}' };
    return { table: 'activity_logs', op: 'create', id, ...stamp, after };
  }
  if (chance < 0.92) {
    const isNew = chance < 0.88 || shape.grades === 0;
    const after = {
      student_id,
      course_id,
      grade_item: 'Quiz 1',
      grade_value: `${40 + (at % 60)}`,
      grade_max: '100',
      timestamp,
    };
    if (isNew) return { table: 'grades', op: 'create', id, ...stamp, after };
    return { table: 'grades', op: 'update', id: idOf('grade', random.int(0, shape.grades - 1)), ...stamp, after };
  }
  if (chance < 0.95) {
    const after = { ...activity, activity_type: 'view', duration_seconds: `${at % 900}` };
    return { table: 'activity_logs', op: 'update', id: idOf('event', old), ...stamp, after };
  }
  return { table: 'activity_logs', op: 'delete', id: idOf('event', old), ...stamp };
}

async function untilDerived(db: Database, source: MemorySource): Promise<void> {
  await source.drained();
  for (;;) {
    const [state] = await db.query<{ waits: boolean }>(
      'SELECT EXISTS (SELECT FROM state.key_mark) OR EXISTS (SELECT FROM state.course_mark) AS waits',
    );
    if (state?.waits === false) return;
    await sleep(5);
  }
}

function batchesOf(seed: string, first: number, count: number, shape: Shape): ChangeBatch[] {
  const random = randomFrom(seed);
  const batches: ChangeBatch[] = [];
  for (let from = 0; from < count; from += CHANGES_PER_BATCH) {
    const size = Math.min(CHANGES_PER_BATCH, count - from);
    const changes = Array.from({ length: size }, (_, index) => change(random, first + from + index, shape));
    batches.push({ changes, progress: { stream: STREAM, epoch: EPOCH, applied: BigInt(first + from + size) } });
  }
  return batches;
}

async function prepare(db: Database, source: MemorySource, shape: Shape): Promise<void> {
  await installShape(db, shape);
  await db.query(IMAGES_SQL);
  await openProgressStore(db).beginEpoch(STREAM, 'bench', 'a benchmark');
  await db.query('VACUUM ANALYZE');
  source.push({
    changes: [],
    progress: { stream: STREAM, epoch: EPOCH, applied: 1n },
    snapshotCompleted: { epoch: EPOCH },
  });
}

async function main(): Promise<void> {
  const { mode, changes, round, shape } = JSON.parse(process.env['BENCH_TASK'] ?? '{}') as ScaleTask & { shape: Shape };
  const config = loadConfig();
  const address = analyticsAddress(config);
  if (address === undefined) throw new Error('ANALYTICS_DB_HOST is needed');
  const db = openDatabase(address, { connections: 12 });
  await migrate(db);
  const settings = await openSettings(config, db);
  const source = memorySource();
  if (mode === 'prepare') await prepare(db, source, shape);
  const fail = (error: unknown): void => {
    console.error(error);
    process.exit(1);
  };
  const stops: (() => Promise<void>)[] = [];
  await startPipeline({
    roles: [engagementRole, performanceRole, anomalyRole],
    db,
    settings,
    log: openLog('warn'),
    intake: { source, name: 'memory' },
    lifecycle: { add: (_, stop) => stops.unshift(stop) },
    fail,
  });
  const first = round * 10_000_000;
  if (mode === 'measure') for (const batch of batchesOf(`warm up ${round}`, first, WARM_UP, shape)) source.push(batch);
  await untilDerived(db, source);
  const batches = mode === 'measure' ? batchesOf(`round ${round}`, first + WARM_UP, changes, shape) : [];
  process.send?.({ phase: 'begin' });
  const before = process.cpuUsage();
  const beganAt = performance.now();
  for (const batch of batches) source.push(batch);
  await untilDerived(db, source);
  const wallMs = performance.now() - beganAt;
  const { user, system } = process.cpuUsage(before);
  process.send?.({
    phase: 'end',
    wallMs,
    cpu: (user + system) / 1e6,
    peakRssMb: process.resourceUsage().maxRSS / 1024,
  });
  for (const stop of stops) await stop();
  if (mode === 'prepare') await db.query('VACUUM ANALYZE');
  await db.close();
  process.exit(0);
}

await main();
