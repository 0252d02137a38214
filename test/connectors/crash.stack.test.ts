import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import { DEBEZIUM_STREAM } from '#libs/source/contract.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import type { ConnectApi } from '../../services/register/connect-api.ts';
import { superviseConnector } from '../../services/register/connector-supervisor.ts';
import { askPlainly } from '../support/cluster.ts';
import { useStack } from '../support/stack.ts';
import { readTopics, type TopicReader } from '../support/topic-reader.ts';
import { createFixture, type Fixture, register, until } from './fixture.ts';

/** The changes in Connect that a new epoch needs, in order. */
const STEPS = [
  'stop',
  'forget the offset',
  'configure',
  'resume',
  'stop again',
  'set the offset',
  'reconfigure',
  'go on',
];

let fixture: Fixture;
let reader: TopicReader;
let connect: ConnectApi;

beforeAll(async () => {
  fixture = await createFixture('crash');
  ({ connect } = fixture);
  reader = await readTopics(
    useStack(),
    SOURCE_TABLES.map((table) => `${fixture.settings.name}.public.${table}`),
  );
  await fixture.source.db.query(`INSERT INTO students (external_id) VALUES ('first'), ('second')`);
  await register(fixture);
});

afterAll(async () => {
  await reader?.stop();
  await connect?.remove().catch(() => {});
  await fixture?.drop();
});

const epochNow = async (): Promise<number> =>
  (await openProgressStore(fixture.analytics.db).read(DEBEZIUM_STREAM))?.epoch ?? 0;

/** The external ids of the students that arrived under the epoch. */
const arrived = (epoch: number): Set<unknown> =>
  new Set(
    reader.records
      .filter(({ headers }) => headers['prepadata.epoch'] === String(epoch))
      .map(({ value }) => value?.after?.['id']),
  );

async function everythingArrives(): Promise<void> {
  const epoch = await epochNow();
  const external = `in epoch ${epoch}, ${Date.now()}`;
  await fixture.source.db.query('INSERT INTO students (external_id) VALUES ($1)', [external]);
  const rows = await fixture.source.db.query<{ id: string }>('SELECT id FROM students');
  await until(`all students under epoch ${epoch}`, () => rows.every((row) => arrived(epoch).has(row.id)));
}

/** Between us and Connect: passes the n-th change on, and then neither its answer nor anything after it. */
async function startTrap(last: number): Promise<{ url: string; sprung: Promise<void>; server: Server }> {
  let changes = 0;
  let spring: () => void = () => {};
  const sprung = new Promise<void>((resolve) => {
    spring = resolve;
  });
  const pass = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const method = request.method ?? 'GET';
    if (method !== 'GET') changes += 1;
    if (changes > last) return void request.socket.destroy();
    const body = chunks.length === 0 ? undefined : Buffer.concat(chunks).toString();
    const { status, text } = await askPlainly(fixture.settings.connect, request.url ?? '', method, body);
    if (method !== 'GET' && changes === last) {
      spring();
      changes += 1;
      return void request.socket.destroy();
    }
    response.writeHead(status, { 'content-type': 'application/json' }).end(status === 204 ? undefined : text);
  };
  const server = createServer((request, response) => {
    pass(request, response).catch(() => request.socket.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, sprung, server };
}

test.each(STEPS.map((step, index) => [step, index + 1] as const))(
  'a crash right after "%s" is fixed by registering again',
  async (_, last) => {
    const trap = await startTrap(last);
    const dying = new AbortController();
    const dead = superviseConnector({
      settings: { ...fixture.settings, connect: { url: trap.url } },
      db: fixture.analytics.db,
      signal: dying.signal,
      tell: () => {},
      forEver: true,
      every: 100,
      newEpoch: 'the test wants one',
    });
    await trap.sprung;
    dying.abort();
    await dead;
    trap.server.closeAllConnections();
    trap.server.close();
    await register(fixture);
    await everythingArrives();
  },
);

test('an epoch without a slot is left behind: what would be missing cannot be known', async () => {
  const store = openProgressStore(fixture.analytics.db);
  const before = await store.read(DEBEZIUM_STREAM);
  const begun = await store.beginEpoch(DEBEZIUM_STREAM, before?.origin ?? '', 'a crash follows');
  await register(fixture);
  expect(await epochNow()).toBeGreaterThan(begun);
  await everythingArrives();
  const slots = await fixture.source.db.query('SELECT FROM pg_replication_slots WHERE database = current_database()');
  expect(slots).toHaveLength(1);
});

test('Connect that has forgotten everything is told it again', async () => {
  const epoch = await epochNow();
  await connect.stop();
  await connect.resetOffset();
  await connect.remove();
  await register(fixture);
  expect(await epochNow()).toBe(epoch);
  await everythingArrives();
});
