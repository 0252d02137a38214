import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { formatLsn, parseLsn } from '#libs/domain/position.ts';
import { DEBEZIUM_STREAM } from '#libs/source/contract.ts';
import { originText } from '#libs/source/postgres/signature.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import type { ConnectApi, Connector } from '../../services/register/connect-api.ts';
import { superviseConnector } from '../../services/register/connector-supervisor.ts';
import { inspectOnce } from '../../services/register/inspect.ts';
import { Restarts } from '../../services/register/restarts.ts';
import { slotOf, wantedConfig } from '../../services/register/settings.ts';
import { SlotReader } from '../../services/register/slot-reader.ts';
import { clusterOf, NOWHERE } from '../support/cluster.ts';
import { createFixture, type Fixture } from './fixture.ts';

/* What is inspected keeps changing: here a Connect that Debezium reports new progress to while it is being asked. */

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

/** The end of the source's log, after something more was written to it. */
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
    { restarts: new Restarts(), slotReader: new SlotReader() },
  );
  expect(told).toEqual([]);
  expect(place, formatLsn(place)).toBeGreaterThan(0n);
  expect(situation).toMatchObject({
    state: 'waiting',
    epoch,
    detail: expect.stringContaining('does not read its slot'),
  });
});

/** A Connect that answers 503 to the first request about the connector and to every change, and otherwise reports it as stopped. */
async function startBusyConnect(config: Readonly<Record<string, string>>): Promise<Server> {
  const answers = new Map<string, unknown>([
    ['/', { version: '4.1.0', kafka_cluster_id: 'test' }],
    ['/config', config],
    ['/status', { connector: { state: 'STOPPED' }, tasks: [] }],
    ['/offsets', { offsets: [] }],
  ]);
  let asked = 0;
  const server = createServer((request, response) => {
    const path = request.url === '/' ? '/' : (request.url?.replace(/^\/connectors\/[^/]+/, '') ?? '');
    if (path !== '/') asked += 1;
    const isBusy = asked === 1 || request.method !== 'GET' || !answers.has(path);
    response.writeHead(isBusy ? 503 : 200, { 'content-type': 'application/json' });
    response.end(JSON.stringify(isBusy ? { error_code: 503, message: 'starting' } : answers.get(path)));
  });
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening));
  return server;
}

test('a new epoch that was asked for begins, also when Connect was away for the first look', async () => {
  const { settings, analytics, source } = fixture;
  const epoch = (await openProgressStore(analytics.db).read(DEBEZIUM_STREAM))?.epoch ?? 0;
  const connect = await startBusyConnect(wantedConfig(settings, epoch, 'no_data'));
  const url = `http://127.0.0.1:${(connect.address() as AddressInfo).port}`;
  const stopping = new AbortController();
  const told: string[] = [];
  const supervised = superviseConnector({
    settings: { ...settings, source: source.address, connect: { ...settings.connect, url } },
    db: analytics.db,
    signal: stopping.signal,
    tell: (line) => told.push(line),
    forEver: true,
    every: 20,
    newEpoch: 'somebody asked for it',
  });
  const made = `made the replication slot ${slotOf(settings, epoch + 1)}`;
  await expect.poll(() => told, { timeout: 20_000 }).toContain(made);
  expect(told).toContain(`epoch ${epoch + 1} begins: somebody asked for it`);
  stopping.abort();
  await supervised;
  connect.closeAllConnections();
  connect.close();
});
