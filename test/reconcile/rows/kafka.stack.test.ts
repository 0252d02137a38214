import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { systemClock } from '#libs/domain/clock.ts';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { type Intake, startIntake } from '#libs/pipeline/intake.ts';
import { Work } from '#libs/pipeline/work.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { Lifecycle } from '#libs/platform/lifecycle.ts';
import { openLog } from '#libs/platform/log.ts';
import { openRegistry } from '#libs/platform/registry/registry.ts';
import type { RunnerParts } from '#libs/reconcile/contract.ts';
import { reconcileNewEpoch } from '#libs/reconcile/jobs/new-epoch.ts';
import { kafkaSource } from '#libs/source/kafka/index.ts';
import { openPartitionProgress } from '#libs/store/progress/progress.ts';
import { createFixture, type Fixture, register } from '../../connectors/fixture.ts';
import { NOTHING } from '../../support/nothing.ts';
import { testSettings } from '../../support/settings.ts';
import { useStack } from '../../support/stack.ts';
import { fill, INSERT_EVENTS, load } from './load.ts';
import { reconcileOnce } from './world.ts';

/* The reconcile of rows with changes from Debezium over Kafka, where two processes share the partitions. */

const RUNS = Number(process.env['NO_FALSE_ALARM_RUNS'] ?? 1);
const log = openLog('silent');
const settings = testSettings();
const failures: unknown[] = [];
const intakes: Intake[] = [];
let fixture: Fixture;
let parts: RunnerParts;

beforeAll(async () => {
  const stack = useStack();
  fixture = await createFixture('rows_kafka');
  const { source, analytics } = fixture;
  await fill(source.db);
  parts = {
    config: loadConfig({
      CDC_SOURCE: 'kafka',
      ...stack.env,
      KAFKA_TOPIC_PREFIX: fixture.settings.name,
      KAFKA_GROUP_PREFIX: fixture.settings.name,
    }),
    settings,
    db: analytics.db,
    analytics: analytics.address,
    source: source.address,
    clock: systemClock,
    log,
    lifecycle: new Lifecycle(log),
  };
  begin();
  begin();
  await register(fixture);
});

afterAll(async () => {
  await Promise.all(intakes.map((intake) => intake.stop()));
  await fixture.connect.remove().catch(() => {});
  await fixture.drop();
  expect(failures).toEqual([]);
});

function begin(): void {
  const { cluster, name } = fixture.settings;
  const { brokers, security, registry } = cluster;
  intakes.push(
    startIntake({
      source: kafkaSource({
        brokers,
        security,
        registry: openRegistry(registry),
        group: `${name}-group`,
        topicPrefix: name,
        names: sourceNames(),
        tables: SOURCE_TABLES,
        partitions: 4,
        replication: 1,
        progress: openPartitionProgress(parts.db),
        maxBatch: 500,
        log,
      }),
      db: parts.db,
      settings,
      work: new Work(),
      log,
      onFailure: (error) => failures.push(error),
    }),
  );
}

test('after the initial snapshot, while nothing changes, all is equal', async () => {
  expect(await reconcileOnce(parts)).toMatchObject({ compared: 4_096, left: 0, kinds: NOTHING, skipped: 0 });
});

test(
  `${RUNS} runs beside writers at full speed find no difference`,
  async ({ signal }) => {
    const writers = load(fixture.source.address, fixture.analytics.db);
    try {
      for (let run = 0; run < RUNS; run += 1) {
        const options = { rangeRows: 1_000, dryRun: run % 2 === 1, signal };
        const { examples, left, kinds } = await reconcileOnce(parts, options);
        expect({ run, examples, left, kinds }).toEqual({ run, examples: [], left: 0, kinds: {} });
      }
    } finally {
      await writers.stop();
    }
    expect(await reconcileOnce(parts, { dryRun: true })).toMatchObject({ left: 0, kinds: NOTHING, skipped: 0 });
  },
  120_000 + 180_000 * RUNS,
);

test('what is wrong is found and repaired', async () => {
  const { db } = fixture.analytics;
  const [changed] = await db.query(
    `UPDATE state.image_grades SET grade_value = '3.21' WHERE id = (SELECT id FROM state.image_grades WHERE live LIMIT 1) RETURNING id`,
  );
  expect(changed).toBeDefined();
  await db.query(
    'DELETE FROM state.image_activity_logs WHERE id IN (SELECT id FROM state.image_activity_logs WHERE live LIMIT 5)',
  );
  await db.query(`INSERT INTO state.image_enrollments (id, epoch, lsn, live, student_id, course_id)
    VALUES (gen_random_uuid(), 1, 0, true, 1, 1)`);
  const kinds = { 'value differs': 1, 'row missed': 5, 'row extra': 1 };
  expect(await reconcileOnce(parts)).toMatchObject({ kinds, left: 0 });
  expect(await reconcileOnce(parts)).toMatchObject({ kinds: NOTHING, left: 0 });
});

test('changes that a marker overtook, as where a broker falters, are not taken for missing', async () => {
  const connector = fixture.connect;
  const { config = {} } = (await connector.read()) ?? {};
  // A request carries at most one batch per partition, so that other records do not hold up a marker.
  await connector.configure({ ...config, 'producer.override.batch.size': '1' });
  for (let run = 0; run < 3; run += 1) {
    await fixture.source.db.query(INSERT_EVENTS, [5_000]);
    expect(await reconcileOnce(parts, { dryRun: true })).toMatchObject({ kinds: NOTHING, examples: [] });
  }
}, 120_000);

test('rows that were deleted while the slot was away are found after the new epoch, by a run that is asked for by itself', async () => {
  const { source, analytics } = fixture;
  const asked = () => reconcileNewEpoch(analytics.db, log);
  // Before the first epoch there is nothing older.
  expect(await asked()).toBeNull();
  await fixture.connect.stop();
  await source.db.query('DELETE FROM activity_logs WHERE id IN (SELECT id FROM activity_logs LIMIT 7)');
  await source.db.query('DELETE FROM grades WHERE id IN (SELECT id FROM grades LIMIT 4)');
  await source.db.query(
    'SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = current_database()',
  );
  expect(await asked()).toBeNull();
  await register(fixture);
  await expect.poll(asked, { timeout: 60_000 }).not.toBeNull();
  expect(await reconcileOnce(parts)).toMatchObject({ kinds: { 'row extra': 11 }, left: 0 });
  expect(await reconcileOnce(parts)).toMatchObject({ kinds: NOTHING, left: 0 });
}, 120_000);

test('while nobody reads the topics it waits, in sight', async () => {
  await Promise.all(intakes.splice(0).map((intake) => intake.stop()));
  await fixture.source.db.query("UPDATE enrollments SET enrolled_at = '2026-01-01'");
  const phases: string[] = [];
  const run = reconcileOnce(parts, { onProgress: ({ phase }) => phases.push(phase) });
  run.catch(() => {});
  await expect.poll(() => phases.at(-1)).toMatch(/^waiting for .* to be staged as far as it reaches$/);
  await sleep(100);
  begin();
  expect(await run).toMatchObject({ kinds: NOTHING, left: 0 });
});
