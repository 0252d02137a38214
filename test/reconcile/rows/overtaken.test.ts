import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Uuid } from '#libs/domain/change.ts';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { RowFindings } from '#libs/reconcile/rows/findings.ts';
import { IdentityCache } from '#libs/reconcile/rows/identity-cache.ts';
import { recheckRows } from '#libs/reconcile/rows/rechecks.ts';
import { openSourceReader } from '#libs/reconcile/rows/source-reader.ts';
import { pgoutputMarker, type StreamMarker, StreamWatch } from '#libs/reconcile/rows/stream.ts';
import { PGOUTPUT_STREAM } from '#libs/source/contract.ts';
import { NOTHING } from '../../support/nothing.ts';
import { fill } from './load.ts';
import { untilSettled } from './settled.ts';
import { RowWorld } from './world.ts';

/* Changes are delayed, and the marker written after them arrives first, as over Kafka when a broker falters. */

let world: RowWorld;
beforeAll(async () => {
  world = await RowWorld.open('overtaken');
  await fill(world.source.db);
});
beforeEach(async () => {
  world.begin();
  await untilSettled(world);
  await world.pause();
});
afterAll(() => world.drop());

/** Looks again at grades whose changes are staged only once the recheck is waiting for them. */
async function recheck(ids: ReadonlyMap<Uuid, boolean>): Promise<RowFindings> {
  const { signal } = new AbortController();
  const { db } = world.analytics;
  const source = await openSourceReader(world.source.address, sourceNames(), signal);
  const sure = pgoutputMarker(new StreamWatch(db, PGOUTPUT_STREAM, () => {}, signal), source, 'overtaken');
  let isHeldUp = true;
  const marker: StreamMarker = {
    ...sure,
    pass: async (table, epoch, isSure) => {
      if (isSure !== true) return true;
      if (isHeldUp) world.begin();
      isHeldUp = false;
      return sure.pass(table, epoch);
    },
  };
  const findings = new RowFindings();
  const context = { dryRun: false, guard: async () => {}, signal };
  const parts = { db, settings: world.settings, source, marker, ids: new IdentityCache(db), context, findings };
  try {
    await recheckRows(parts, 'grades', ids);
  } finally {
    source.close();
    await world.pause();
  }
  return findings;
}

test.each([true, false])(
  'what waits for them is not taken for wrong (it has differed before: %s)',
  async (differed) => {
    const changed = await world.source.db.query<{ id: Uuid }>(
      'UPDATE grades SET grade_value = grade_value + 1 WHERE id IN (SELECT id FROM grades LIMIT 20) RETURNING id',
    );
    const findings = await recheck(new Map(changed.map(({ id }) => [id, differed])));
    expect(findings.result()).toMatchObject({ kinds: NOTHING, compared: changed.length, skipped: 0, left: 0 });
  },
);

test('what is wrong is, all the same', async () => {
  const [wrong] = await world.analytics.db.query<{ id: Uuid }>(
    "UPDATE state.image_grades SET grade_value = '-7' WHERE id = (SELECT id FROM state.image_grades WHERE live LIMIT 1) RETURNING id",
  );
  const findings = await recheck(new Map([[wrong?.id ?? '', true]]));
  expect(findings.result()).toMatchObject({ kinds: { 'value differs': 1 }, left: 0 });
});
