import { rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { pino } from 'pino';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startEmbeddedPostgres } from '#libs/platform/embedded-postgres/embedded.ts';
import { type Database, type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import { listenForNotifications } from '#libs/platform/postgres/listen.ts';
import { settleSession } from '#libs/platform/postgres/session-settings.ts';
import { openLink } from '#libs/source/postgres/link.ts';
import { newDataDir } from '../e2e/program.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { HOSTILE_DEFAULTS, makeHostile } from '../support/hostile.ts';

const ROLE = `hostile_${process.pid}`;
let database: TestDatabase;
let address: DatabaseAddress;

beforeAll(async () => {
  database = await createTestDatabase('settings');
  await database.db.query(`CREATE ROLE ${ROLE} LOGIN REPLICATION PASSWORD 'p'`);
  await makeHostile(database.db, ROLE);
  address = { ...database.address, user: ROLE, password: 'p' };
});
afterAll(async () => {
  await database.db.query(`DROP ROLE ${ROLE}`);
  await database.drop();
});

/** A session's values of the settings that the role was given. */
const SHOW = `SELECT jsonb_object_agg(lower(name), setting) AS settings FROM pg_settings
               WHERE lower(name) IN (${Object.keys(HOSTILE_DEFAULTS)
                 .map((name) => `'${name}'`)
                 .join(', ')})`;
interface Shown {
  readonly settings: Record<string, string>;
}

/** What every session of ours has, whatever its role says. Settings not listed do not matter. */
const SETTLED = {
  statement_timeout: '0',
  lock_timeout: '0',
  transaction_timeout: '0',
  idle_in_transaction_session_timeout: '0',
  idle_session_timeout: '0',
  exit_on_error: 'off',
  DateStyle: 'ISO, MDY',
  IntervalStyle: 'postgres',
  TimeZone: 'UTC',
  client_encoding: 'UTF8',
  bytea_output: 'hex',
  extra_float_digits: '1',
  array_nulls: 'on',
  standard_conforming_strings: 'on',
  transform_null_equals: 'off',
  quote_all_identifiers: 'off',
  search_path: 'public',
  row_security: 'off',
  restrict_nonsystem_relation_kind: '',
  default_transaction_isolation: 'read committed',
  default_transaction_read_only: 'off',
  synchronous_commit: 'on',
  plan_cache_mode: 'force_generic_plan',
  jit: 'off',
  enable_seqscan: 'on',
  enable_indexscan: 'on',
  enable_indexonlyscan: 'on',
  enable_bitmapscan: 'on',
  enable_hashjoin: 'on',
  enable_mergejoin: 'on',
  enable_nestloop: 'on',
  enable_sort: 'on',
  enable_hashagg: 'on',
};
const settled = Object.fromEntries(Object.entries(SETTLED).map(([name, value]) => [name.toLowerCase(), value]));
/** In a school's database, functions of others are not to be found. */
const ofSource = { ...settled, search_path: 'pg_catalog' };

async function onPool<T>(work: (db: Database) => Promise<T>, settings?: Record<string, string>): Promise<T> {
  const db = openDatabase(address, { connections: 2, ...(settings === undefined ? {} : { settings }) });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

test('the role is as hostile as it looks: a bare session of it has what it was given', async () => {
  const client = new pg.Client(address);
  await client.connect();
  const [row] = (await client.query<Shown>(SHOW)).rows;
  await client.end();
  const same = Object.entries(settled).filter(([name, value]) => row?.settings[name] === value);
  // The driver asks for client_encoding; row security would have to be on to hide a row.
  expect(same.map(([name]) => name).sort()).toEqual(['client_encoding', 'row_security']);
});

test('connections of a pool, and sessions taken out of it', async () => {
  await onPool(async (db) => {
    expect((await db.query<Shown>(SHOW))[0]?.settings).toMatchObject(settled);
    const session = await db.session();
    // When its process is frozen, what it holds must go to others.
    const ofSession = { ...settled, idle_session_timeout: '120000' };
    expect((await session.query<Shown>(SHOW))[0]?.settings).toMatchObject(ofSession);
    session.close();
  });
});

test('settings that one pool wants besides', async () => {
  const shown = await onPool((db) => db.query<Shown>(SHOW), { search_path: '"Of Mine"', work_mem: '5MB' });
  expect(shown[0]?.settings).toMatchObject({ ...settled, search_path: '"Of Mine"', work_mem: '5120' });
});

test.each(['sql', 'replication'] as const)('a connection to the source: %s', async (kind) => {
  const link = await openLink(address, 'test', kind, new AbortController().signal, () => {});
  expect((await link.client.query<Shown>(SHOW)).rows[0]?.settings).toMatchObject(ofSource);
  link.close();
});

test('a listener stays, and hears, though its role may not be idle for long', async () => {
  const heard: string[] = [];
  const warned: object[] = [];
  const log = pino({ level: 'warn' }, { write: (line) => warned.push(JSON.parse(line)) });
  const listener = listenForNotifications({
    address,
    channel: 'news',
    log,
    onMessage: (payload) => heard.push(payload),
  });
  await expect.poll(() => heard).toEqual(['']);
  await sleep(1_500);
  await database.db.query(`NOTIFY news, 'still here'`);
  await expect.poll(() => heard).toEqual(['', 'still here']);
  expect(warned).toEqual([]);
  await listener.stop();
});

test('what durability a server has beyond the least is left to it', async () => {
  await database.db.query(`ALTER ROLE ${ROLE} SET synchronous_commit = 'remote_apply'`);
  const shown = await onPool((db) => db.query<Shown>(SHOW));
  expect(shown[0]?.settings['synchronous_commit']).toBe('remote_apply');
});

test('a setting that the user may not make is named, and the connection is given up', async () => {
  const client = new pg.Client(address);
  await client.connect();
  await expect(settleSession(client, { session_replication_role: 'origin' })).rejects.toMatchObject({
    name: 'ConfigurationError',
    message: expect.stringContaining('"session_replication_role"'),
    hint: expect.stringContaining('RESET'),
  });
  await client.end();
  await expect(onPool((db) => db.query('SELECT 1'), { session_replication_role: 'origin' })).rejects.toMatchObject({
    name: 'ConfigurationError',
  });
});

test('what is set for the whole server while a session lives does not reach it', async () => {
  const folder = newDataDir();
  const server = await startEmbeddedPostgres({ folder, settings: { fsync: 'off', wal_level: 'logical' } });
  const [db, admin] = [1, 1].map((connections) => openDatabase(server.admin('postgres'), { connections }));
  const link = await openLink(server.admin('postgres'), 'test', 'replication', new AbortController().signal, () => {});
  const settings = async (): Promise<unknown[]> => [
    (await db?.query<Shown>(SHOW))?.[0]?.settings,
    (await link.client.query<Shown>(SHOW)).rows[0]?.settings,
  ];
  expect(await settings()).toEqual([expect.objectContaining(settled), expect.objectContaining(ofSource)]);
  for (const name of ['extra_float_digits', 'datestyle', 'timezone', 'intervalstyle', 'bytea_output'])
    await admin?.query(`ALTER SYSTEM SET ${name} = '${HOSTILE_DEFAULTS[name]}'`);
  await admin?.query('SELECT pg_reload_conf()');
  // An unsettled session picks the change up between two statements, which shows that the server has reloaded.
  const bare = new pg.Client(server.admin('postgres'));
  await bare.connect();
  await expect
    .poll(async () => (await bare.query('SHOW extra_float_digits')).rows[0])
    .toEqual({ extra_float_digits: HOSTILE_DEFAULTS['extra_float_digits'] });
  expect(await settings()).toEqual([expect.objectContaining(settled), expect.objectContaining(ofSource)]);
  await Promise.all([bare.end(), db?.close(), admin?.close()]);
  link.close();
  await server.stop();
  rmSync(path.dirname(folder), { recursive: true, force: true, maxRetries: 5 });
});
