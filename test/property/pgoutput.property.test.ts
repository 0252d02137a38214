import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { createAnalyticsDatabase, createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { askOracle, compareFeatures, readFeatures } from '../support/oracle.ts';
import { startTestPipeline, type TestPipeline } from '../support/pipeline.ts';
import { testSettings } from '../support/settings.ts';
import { untilSettled } from '../support/settle.ts';
import { LAX_SOURCE_SCHEMA, toRecordSet } from '../support/source-schema.ts';
import { chanceOf } from './disturbance.ts';
import { FIRST_TODAY } from './rows.ts';
import { rowId, type Step } from './source-model.ts';
import { stepWith } from './steps.ts';

/** Real servers and restarts take time, so there are fewer of these histories than of those in memory. */
const RUNS = Math.max(1, Math.round(Number(process.env['PROPERTY_RUNS'] ?? 60) / 20));
const SEED = Number(process.env['PROPERTY_SEED'] ?? 1);
const settings = testSettings();
const clock = { now: () => FIRST_TODAY * MS_PER_DAY + 43_200_000 };

let source: TestDatabase;
let analytics: TestDatabase;
beforeEach(async () => {
  source = await createSourceDatabase('history_source', LAX_SOURCE_SCHEMA);
  // Long metadata is stored out of line and uncompressed, so that updates of other columns do not carry it.
  await source.db.query('ALTER TABLE activity_logs ALTER metadata SET STORAGE EXTERNAL');
  analytics = await createAnalyticsDatabase('history_analytics');
});
afterEach(async () => {
  await source.drop();
  await analytics.drop();
});

/** Performs the step at the real source. */
async function perform(step: Step): Promise<void> {
  const { db } = source;
  if (step.kind === 'delete') await db.query(`DELETE FROM ${step.table} WHERE id = $1`, [rowId(step.table, step.slot)]);
  else if (step.kind === 'rekey') await rekey(step);
  else if (step.kind === 'truncate') await db.query(`TRUNCATE ${step.table}`);
  else if (step.kind === 'write') await upsert(step);
}

async function rekey({ table, slot, to }: Extract<Step, { kind: 'rekey' }>): Promise<void> {
  await source.db
    .query(`UPDATE ${table} SET id = $2 WHERE id = $1`, [rowId(table, slot), rowId(table, to)])
    // The other id is taken: nothing happens, as in any database.
    .catch((error: { code?: string }) => (error.code === '23505' ? [] : Promise.reject(error)));
}

async function upsert({ written: { table, row }, slot, toast }: Extract<Step, { kind: 'write' }>): Promise<void> {
  const withPadding =
    table === 'activity_logs' && row.metadata?.startsWith('{"') ? { ...row, metadata: pad(row.metadata) } : row;
  const columns = Object.keys(row).filter((name) => !(toast && name === 'metadata'));
  await source.db.query(
    `INSERT INTO ${table} SELECT * FROM jsonb_populate_recordset(NULL::${table}, $1)
     ON CONFLICT (id) DO UPDATE SET ${columns.map((name) => `"${name}" = excluded."${name}"`).join(', ')}`,
    [toRecordSet([[rowId(table, slot), withPadding]])],
  );
}

const pad = (json: string): string => `${json.slice(0, -1)}, "padding": "${randomBytes(2_500).toString('hex')}"}`;

const runs = fc.sample(
  fc.record({
    before: fc.array(stepWith({ writes: 20, habits: 0, deletes: 4, truncates: 1, resyncs: 0, midnights: 0 }), {
      minLength: 20,
      maxLength: 60,
    }),
    after: fc.array(stepWith({ writes: 20, habits: 0, deletes: 5, truncates: 1, resyncs: 0, midnights: 0 }), {
      minLength: 60,
      maxLength: 200,
    }),
    seed: fc.nat(),
  }),
  { numRuns: RUNS, seed: SEED },
);

test.each(runs.map((run, index) => ({ index, ...run })))(
  'a history through a real slot, with restarts in it, ends equal to the oracle (run %#)',
  async ({ before, after, seed }) => {
    const chance = chanceOf(seed);
    for (const step of before) await perform(step);
    const start = (): Promise<TestPipeline> =>
      startTestPipeline({ source: source.address, analytics: analytics.db, settings, clock, maxBatch: 7 });
    let pipeline = await start();
    // Two writers, so that transactions interleave, while the pipeline is stopped and started.
    const writers = [0, 1].map(async (writer) => {
      for (const [n, step] of after.entries()) if (n % 2 === writer) await perform(step);
    });
    const restarts = async (): Promise<void> => {
      for (let n = 0; n < 3; n += 1) {
        await sleep(60 * chance());
        await pipeline.stop();
        pipeline = await start();
      }
    };
    await Promise.all([...writers, restarts()]);
    await untilSettled(source.db, analytics.db);
    await pipeline.stop();
    expect(pipeline.failure).toBeUndefined();
    const expected = await askOracle(source.address, 'public', { today: FIRST_TODAY });
    expect(compareFeatures(expected, await readFeatures(analytics.address))).toEqual([]);
  },
);
