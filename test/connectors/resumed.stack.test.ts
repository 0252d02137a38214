import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { from } from 'pg-copy-streams';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import type { ConnectApi } from '../../services/register/connect-api.ts';
import { askPlainly } from '../support/cluster.ts';
import { useStack } from '../support/stack.ts';
import { readTopics, type TopicReader } from '../support/topic-reader.ts';
import { createFixture, type Fixture, register, until, type Watcher, watch } from './fixture.ts';

/* A task that is started again goes on in the midst of a transaction, and Debezium leaves out rows that share a place in the log. */

let fixture: Fixture;
let reader: TopicReader;
let watcher: Watcher;
let connect: ConnectApi;

beforeAll(async () => {
  fixture = await createFixture('resumed');
  ({ connect } = fixture);
  reader = await readTopics(
    useStack(),
    SOURCE_TABLES.map((table) => `${fixture.settings.name}.public.${table}`),
  );
  await register(fixture);
  watcher = watch(fixture);
});

afterAll(async () => {
  await watcher?.stop();
  await reader?.stop();
  await connect?.remove().catch(() => {});
  await fixture?.drop();
});

/** What is noted about the epoch. */
async function noted(): Promise<{ reader: number | null; resumed_at: Date | null }> {
  const [epoch] = await fixture.analytics.db.query<{ reader: number | null; resumed_at: Date | null }>(
    'SELECT reader, resumed_at FROM state.epoch ORDER BY epoch DESC LIMIT 1',
  );
  return epoch ?? { reader: null, resumed_at: null };
}

const slotReader = async (): Promise<number | null> => {
  const [slot] = await fixture.source.db.query<{ active_pid: number | null }>(
    'SELECT active_pid FROM pg_replication_slots WHERE database = current_database()',
  );
  return slot?.active_pid ?? null;
};

/** Starts the task again, as a rebalance does. Resolves when its successor is noted. */
async function startAgain(): Promise<void> {
  const { connect: address, name } = fixture.settings;
  const before = await slotReader();
  expect((await askPlainly(address, `/connectors/${name}/tasks/0/restart`, 'POST')).status).toBe(204);
  await until('another reads the slot, and that is noted', async () => {
    const now = await slotReader();
    return now !== null && now !== before && (await noted()).reader === now;
  });
}

/** COPY writes the rows of a page in one record of the log, unless it has to compute their ids. */
async function copyStudents(count: number): Promise<void> {
  const client = new pg.Client(fixture.source.address);
  await client.connect();
  try {
    const rows = Readable.from(Array.from({ length: count }, (_, n) => `${randomUUID()}\tcopied ${n}\n`));
    await pipeline(rows, client.query(from('COPY students (id, external_id) FROM STDIN')));
  } finally {
    await client.end();
  }
}

test('whoever reads the slot first, or goes on between two transactions, leaves nothing out', async () => {
  await fixture.source.db.query(`INSERT INTO students (external_id) VALUES ('first')`);
  await until('who reads the slot is noted', async () => (await noted()).reader !== null);
  expect((await noted()).resumed_at).toBeNull();
  // A heartbeat, every ten seconds, is stored with the place of the last commit.
  await until('the offset stands behind a commit', async () => {
    const found = await connect.read();
    return found?.offset?.messageType === 'COMMIT';
  });
  await sleep(1_000);
  await startAgain();
  expect((await noted()).resumed_at).toBeNull();
});

test('one that goes on in the midst of a transaction is noted, since rows may be missing', async () => {
  const before = reader.records.length;
  await copyStudents(40_000);
  await until('some have arrived', () => reader.records.length > before + 2_000);
  await startAgain();
  await until('that is noted', async () => (await noted()).resumed_at !== null);
  await fixture.source.db.query(`INSERT INTO students (external_id) VALUES ('last')`);
  const [last] = await fixture.source.db.query<{ id: string }>(`SELECT id FROM students WHERE external_id = 'last'`);
  await until('the stream goes on', () => reader.records.some(({ value }) => value?.after?.['id'] === last?.id));
});
