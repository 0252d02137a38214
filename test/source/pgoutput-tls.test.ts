import { chmodSync, chownSync, copyFileSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { firstValueFrom } from 'rxjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { loadConfig, sourceAddress } from '#libs/platform/config/config.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/platform/embedded-postgres/embedded.ts';
import { openLog } from '#libs/platform/log.ts';
import { type Database, type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import { pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { openAnalytics } from '#libs/store/schema/open.ts';
import { SOURCE_SCHEMA } from '../support/source-schema.ts';
import { eventually } from './stage.ts';
import { type Fate, MemoryProgress, Reader, Replica, type SourceWorld } from './world.ts';

/** A server of their own, whose certificate (for localhost and 127.0.0.1, good for nothing else) is self-signed. */
const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-tls-'));
const pem = (name: string): string => path.join(import.meta.dirname, '../support/tls', name);
let server: EmbeddedPostgres;
let db: Database;

beforeAll(async () => {
  server = await startEmbeddedPostgres({
    folder,
    settings: { wal_level: 'logical', fsync: 'off', max_connections: 30 },
  });
  await server.ensureDatabase('lms');
  await server.ensureDatabase('empty');
  db = openDatabase(server.admin('lms'), { connections: 2, onIdleError: () => {} });
  await db.query(SOURCE_SCHEMA);
  const data = path.join(server.folder, 'data');
  for (const name of ['server.crt', 'server.key']) {
    copyFileSync(pem(name), path.join(data, name));
    chownSync(path.join(data, name), statSync(data).uid, statSync(data).gid);
    chmodSync(path.join(data, name), 0o600);
  }
});
afterAll(async () => {
  await db.close();
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** The address that the environment leads to. */
function addressWith(settings: Record<string, string>): DatabaseAddress {
  const { host, port, database, user, password } = server.admin('lms');
  const address = sourceAddress(
    loadConfig({
      SOURCE_DB_HOST: host,
      SOURCE_DB_PORT: String(port),
      SOURCE_DB_NAME: database,
      SOURCE_DB_USER: user,
      SOURCE_DB_PASSWORD: password,
      ...settings,
    }),
  );
  if (address === undefined) throw new Error('no address');
  return address;
}

const refusalOf = (address: DatabaseAddress): Promise<unknown> =>
  firstValueFrom(pgoutputSource({ address, progress: new MemoryProgress(), slotLimit: 'none' }).deliveries()).then(
    () => undefined,
    (error: unknown) => error,
  );

async function reload(admission: string): Promise<void> {
  writeFileSync(path.join(server.folder, 'data/pg_hba.conf'), admission);
  await db.query('SELECT pg_reload_conf()');
}

const analyticsRefusal = async (address: DatabaseAddress): Promise<unknown> => {
  const options = { name: 'test', role: 'owner' as const, log: openLog('silent'), signal: AbortSignal.timeout(30_000) };
  return openAnalytics({ ...address, database: 'empty' }, options).then(
    (opened) => opened.close(),
    (error: unknown) => error,
  );
};

test('a server without encryption is said to have none, and what to do', async () => {
  const refused = await refusalOf(addressWith({ SOURCE_DB_SSLMODE: 'require' }));
  expect(refused).toBeInstanceOf(ConfigurationError);
  expect(refused).toMatchObject({
    message: expect.stringMatching(/source database 127\.0\.0\.1:\d+\/lms offers no encrypted connections/),
    hint: expect.stringContaining('SOURCE_DB_SSLMODE=disable'),
  });
  expect(await analyticsRefusal(addressWith({ SOURCE_DB_SSLMODE: 'require' }))).toMatchObject({
    hint: expect.stringContaining('ANALYTICS_DB_SSLMODE=disable'),
  });
});

test('a server that admits only encrypted connections is read through one, and holds back what is not taken', async () => {
  await db.query('ALTER SYSTEM SET ssl = on');
  await reload('hostssl all all 127.0.0.1/32 scram-sha-256\nhostssl replication all 127.0.0.1/32 scram-sha-256\n');
  await eventually(async () => (await db.query<{ ssl: string }>('SHOW ssl'))[0]?.ssl).toBe('on');

  expect(await refusalOf(addressWith({}))).toMatchObject({
    message: expect.stringContaining('admits no connection without encryption'),
    hint: expect.stringContaining('SOURCE_DB_SSLMODE=require'),
  });
  expect(await refusalOf(addressWith({ SOURCE_DB_SSLMODE: 'verify-full' }))).toMatchObject({
    message: expect.stringMatching(/the certificate of the source database .* is not trusted/),
    hint: expect.stringContaining('SOURCE_DB_SSLROOTCERT'),
  });
  const address = addressWith({ SOURCE_DB_SSLMODE: 'verify-full', SOURCE_DB_SSLROOTCERT: pem('server.crt') });
  expect(await analyticsRefusal(address)).toBeUndefined();
  await db.close();
  db = openDatabase(address, { connections: 2, onIdleError: () => {} });

  let release: () => void = () => {};
  const hold = new Promise<void>((resolve) => {
    release = resolve;
  });
  const progress = new MemoryProgress();
  const replica = new Replica();
  const source = pgoutputSource({ address, progress, slotPrefix: 'tls', slotLimit: 'none' });
  const world: Pick<SourceWorld, 'progress'> = { progress };
  const reader = new Reader(world as SourceWorld, replica, async (batch): Promise<Fate> => {
    if (batch.changes.some((change) => change.op === 'create')) await hold;
    return 'done';
  }).start(source);
  await eventually(() => (reader.error === undefined ? source.status().state : String(reader.error))).toBe('streaming');
  const plain = await db.query<{ n: number }>(
    `SELECT count(*)::int AS n FROM pg_stat_activity JOIN pg_stat_ssl USING (pid)
     WHERE application_name LIKE 'prepadata %' AND NOT ssl`,
  );
  expect(plain).toEqual([{ n: 0 }]);

  // Far more than the source buffers, in separate transactions: the server must be left with the rest.
  const [transactions, rows] = [120, 500];
  for (let n = 0; n < transactions; n += 1) {
    await db.query(
      `INSERT INTO activity_logs (activity_type, timestamp, metadata)
       SELECT 'view', now(), jsonb_build_object('text', repeat(md5(n::text), 40)) FROM generate_series(1, $1) AS n`,
      [rows],
    );
  }
  const unsent = async (): Promise<number> => {
    const [row] = await db.query<{ bytes: number }>(
      `SELECT (pg_current_wal_lsn() - sent_lsn)::float8 AS bytes FROM pg_stat_replication`,
    );
    return row?.bytes ?? 0;
  };
  const readings: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    readings.push(await unsent());
    await sleep(300);
  }
  expect(readings.at(-1)).toBeGreaterThan(20_000_000);
  expect(readings.at(-1)).toBe(readings.at(-2));
  release();
  await eventually(() => replica.rows().get('activity_logs')?.size ?? 0).toBe(transactions * rows);
  expect(reader.violations).toEqual([]);
  reader.stop();
});
