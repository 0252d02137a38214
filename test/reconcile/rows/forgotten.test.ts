import { afterAll, beforeAll, expect, test } from 'vitest';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { NOTHING } from '../../support/nothing.ts';
import { untilSettled } from './settled.ts';
import { RowWorld } from './world.ts';

/* A source that replaces its rows by DELETE and INSERT leaves a tombstone for each; whole runs remove them. */

let world: RowWorld;
beforeAll(async () => {
  world = await RowWorld.open('forgotten');
  world.begin();
  await untilSettled(world);
});
afterAll(() => world.drop());

const ROWS = 'SELECT gen_random_uuid(), n::text FROM generate_series(1, 40) AS n';
const resync = async (): Promise<void> => {
  await world.source.db.query(`DELETE FROM students; INSERT INTO students (id, username) ${ROWS}`);
  await untilSettled(world);
};
const images = async (): Promise<{ readonly live: number; readonly gone: number }> => {
  const [row] = await world.analytics.db.query<{ live: number; gone: number }>(
    'SELECT count(*) FILTER (WHERE live)::integer AS live, count(*) FILTER (WHERE NOT live)::integer AS gone FROM state.image_students',
  );
  return row ?? { live: 0, gone: 0 };
};
/** Transactions of other databases keep tombstones, too: those of other tests on this server, which end soon. */
const reconcileUntilForgotten = async (live: number): Promise<void> => {
  const reconcile = async (): Promise<unknown> => {
    expect(await world.reconcile()).toMatchObject({ left: 0, kinds: NOTHING });
    return images();
  };
  await expect.poll(reconcile).toEqual({ live, gone: 0 });
};

test('a whole run leaves no tombstone from before it; a dry or narrowed one leaves all', async () => {
  for (let n = 0; n < 3; n += 1) await resync();
  expect(await images()).toEqual({ live: 40, gone: 80 });
  await world.reconcile({ dryRun: true });
  expect(await images()).toEqual({ live: 40, gone: 80 });
  await reconcileUntilForgotten(40);
  await resync();
  expect(await images()).toEqual({ live: 40, gone: 40 });
  await reconcileUntilForgotten(40);
});

test('a transaction at the source that has written and not ended keeps them: its older changes are still to come', async () => {
  await resync();
  const other = openDatabase(world.source.address, { connections: 1 });
  await other.transaction(async (tx) => {
    await tx.query("INSERT INTO students (id, username) VALUES (gen_random_uuid(), 'late')");
    await world.source.db.query(`DELETE FROM students WHERE username = '1'`);
    await untilSettled(world);
    expect(await world.reconcile()).toMatchObject({ left: 0 });
    expect(await images()).toEqual({ live: 39, gone: 41 });
  });
  await other.close();
  await untilSettled(world);
  expect(await images()).toEqual({ live: 40, gone: 41 });
  await reconcileUntilForgotten(40);
});

test('a new epoch that begins meanwhile may be that of another server, whose places in the log are its own: nothing is removed', async () => {
  await resync();
  let begun: Promise<unknown> | undefined;
  const onProgress = ({ phase, done }: { phase: string; done: number }): void => {
    if (phase !== 'comparing students' || done < 10 || begun !== undefined) return;
    begun = (async () => {
      await world.pause();
      // Of another server: the reader then begins one more.
      await openProgressStore(world.analytics.db).beginEpoch('pgoutput', 'another', 'a test');
      world.begin();
    })();
  };
  await world.reconcile({ rangeRows: 10, onProgress });
  await begun;
  expect(begun).toBeDefined();
  const settled = "SELECT epoch FROM state.settled WHERE source_table = 'students'";
  const epochs = (): Promise<{ epoch: number }[]> => world.analytics.db.query<{ epoch: number }>(settled);
  expect(await epochs()).toEqual([{ epoch: 1 }]);
  await untilSettled(world);
  await resync();
  await reconcileUntilForgotten(40);
  expect(await epochs()).toEqual([{ epoch: 3 }]);
});
