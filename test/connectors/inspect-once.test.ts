import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatLsn, parseLsn } from '#libs/domain/position.ts';
import { DEBEZIUM_STREAM } from '#libs/source/contract.ts';
import { originText } from '#libs/source/postgres/signature.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import type { ConnectApi, Connector } from '../../services/register/connect-api.ts';
import { inspectOnce } from '../../services/register/inspect.ts';
import { Restarts } from '../../services/register/restarts.ts';
import { slotOf, wantedConfig } from '../../services/register/settings.ts';
import { clusterOf, NOWHERE } from '../support/cluster.ts';
import { createFixture, type Fixture } from './fixture.ts';

/* What is looked at lives on meanwhile: here a Connect that is told what Debezium has come to while it is asked. */

const ORIGIN = { identity: '77/1/lms', signature: 'print' };
let fixture: Fixture;
let control: pg.Client;

beforeAll(async () => {
  fixture = await createFixture('look', clusterOf(NOWHERE));
  control = new pg.Client(fixture.source.address);
  await control.connect();
});
afterAll(async () => {
  await control.query('SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE database = $1', [
    fixture.source.address.database,
  ]);
  await control.end();
  await fixture.drop();
});

/** Where the source's log ends, after something more was written to it. */
async function writeOn(): Promise<bigint> {
  await control.query(`INSERT INTO students (external_id) SELECT 'more ' || n FROM generate_series(1, 1000) AS n`);
  const { rows } = await control.query<{ end: string }>('SELECT pg_current_wal_flush_lsn()::text AS end');
  return parseLsn(rows[0]?.end ?? '0/0');
}

test('a connector that comes along while it is looked at is no reason for a new epoch', async () => {
  const { settings, analytics } = fixture;
  const epoch = await openProgressStore(analytics.db).beginEpoch(DEBEZIUM_STREAM, originText(ORIGIN), 'a test');
  await control.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [slotOf(settings, epoch)]);
  let place = 0n;
  const read = async (): Promise<Connector> => {
    place = await writeOn();
    return {
      config: wantedConfig(settings, epoch, 'no_data'),
      state: 'RUNNING',
      task: 'RUNNING',
      failure: undefined,
      offset: { lsn: place },
    };
  };
  const told: string[] = [];
  const situation = await inspectOnce(
    {
      settings,
      connect: { read } as unknown as ConnectApi,
      db: analytics.db,
      control,
      signal: new AbortController().signal,
      tell: (line) => told.push(line),
      say: () => {},
    },
    ORIGIN,
    new Restarts(),
  );
  expect(told).toEqual([]);
  expect(place, formatLsn(place)).toBeGreaterThan(0n);
  expect(situation).toMatchObject({
    state: 'waiting',
    epoch,
    detail: expect.stringContaining('does not read its slot'),
  });
});
