import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, test } from 'vitest';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import type { ConnectApi } from '../../services/register/connect-api.ts';
import { dropEverything } from '../../services/register/drop.ts';
import { makeHostile } from '../support/hostile.ts';
import { useStack } from '../support/stack.ts';
import { readTopics, type TopicReader } from '../support/topic-reader.ts';
import { createFixture, type Fixture, register, until } from './fixture.ts';

/* The role that reads the source was given every harmful setting: Debezium's connections must cope with them, like ours. */

const ROWS = 30_000;
const signal = new AbortController().signal;
const ROOT = new URL('../../', import.meta.url);
let fixture: Fixture;
let reader: TopicReader;
let connect: ConnectApi;
let role: string;

async function asAdministrator(file: string, password: string): Promise<void> {
  const text = readFileSync(new URL(file, ROOT), 'utf8')
    .replaceAll('prepadata_reader', role)
    .replaceAll('change-me', password)
    .replaceAll(/^ALTER SYSTEM.*$|^SELECT pg_reload_conf.*$/gm, '');
  await fixture.source.db.query(text);
}

beforeAll(async () => {
  const made = await createFixture('hostile');
  role = `${made.settings.name}_reader`;
  fixture = { ...made, settings: { ...made.settings, source: { ...made.source.address, user: role } } };
  ({ connect } = fixture);
  reader = await readTopics(
    useStack(),
    SOURCE_TABLES.map((table) => `${fixture.settings.name}.public.${table}`),
  );
});
afterAll(async () => {
  await reader?.stop();
  await connect?.remove().catch(() => {});
  await fixture?.source.db.query(`DROP OWNED BY ${role}; DROP ROLE ${role}`).catch(() => {});
  await fixture?.drop();
});

const count = (table: string): number =>
  new Set(
    reader.records
      .filter(({ topic, value }) => topic.endsWith(`.${table}`) && value?.after !== undefined)
      .map(({ value }) => String(value?.after?.['id'])),
  ).size;

/** Waits for rows in a topic; on failure the error includes Debezium's own. */
async function arrived(table: string, rows: number): Promise<void> {
  for (const end = Date.now() + 120_000; count(table) < rows; await sleep(200)) {
    if (Date.now() > end) {
      throw new Error(
        `${count(table)} of ${rows} ${table}; the connector: ${JSON.stringify((await connect.read())?.failure)}`,
      );
    }
  }
}

test('everything is read, followed after a while of silence, and the heartbeat is written', async () => {
  const { db } = fixture.source;
  await db.query(`INSERT INTO students (external_id) SELECT 's' || i FROM generate_series(1, $1) AS i`, [ROWS]);
  await asAdministrator('connectors/source.sql', fixture.source.address.password);
  await asAdministrator('connectors/debezium.sql', '');
  await makeHostile(db, role);
  await register(fixture);
  await arrived('students', ROWS);
  await sleep(2_000);
  await db.query(`INSERT INTO courses (external_id) SELECT 'c' || i FROM generate_series(1, 3) AS i`);
  await arrived('courses', 3);
  const [before] = await db.query<{ now: Date }>('SELECT now() AS now');
  const beaten = 'SELECT FROM prepadata.heartbeat WHERE beat_at > $1';
  await until('a heartbeat', async () => (await db.query(beaten, [before?.now ?? null])).length > 0);
  await db.query(`INSERT INTO courses (external_id) VALUES ('c4')`);
  await arrived('courses', 4);
  await dropEverything({ settings: fixture.settings, db: fixture.analytics.db, signal, tell: () => {} });
}, 300_000);
