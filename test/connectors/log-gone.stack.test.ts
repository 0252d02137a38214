import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/platform/embedded-postgres/embedded.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import type { ConnectApi } from '../../services/register/connect-api.ts';
import { createFixture, type Fixture, register, until, watch } from './fixture.ts';

/* A server that was restored from files, or whose disk somebody cleared, keeps the slot, but not the log that it begins with. */

const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-log-gone-'));
let server: EmbeddedPostgres;
let fixture: Fixture;
let connect: ConnectApi;

beforeAll(async () => {
  const settings = { wal_level: 'logical', fsync: 'off', max_slot_wal_keep_size: '1GB' };
  server = await startEmbeddedPostgres({ folder, settings });
  const { user, password } = inject('postgres');
  const admin = openDatabase(server.admin('postgres'), { connections: 1 });
  await admin.query(`ALTER ROLE ${user} PASSWORD '${password}'`);
  await admin.close();
  fixture = await createFixture('log_gone', undefined, { ...server.admin('postgres'), user, password });
  ({ connect } = fixture);
});

afterAll(async () => {
  await connect?.remove().catch(() => {});
  await fixture?.drop();
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

test('is read anew', async () => {
  const { source, analytics } = fixture;
  await register(fixture);
  await source.db.query(`INSERT INTO students (external_id) VALUES ('first')`);
  await until('Debezium has come to a place', async () => (await connect.read())?.offset !== undefined);
  await connect.stop();
  const [slot] = await source.db.query<{ segment: string }>(
    'SELECT pg_walfile_name(restart_lsn) AS segment FROM pg_replication_slots',
  );
  await source.db.query('SELECT pg_switch_wal()');
  await source.db.query(`INSERT INTO students (external_id) VALUES ('second')`);
  await source.db.query('CHECKPOINT');
  rmSync(path.join(folder, 'data', 'pg_wal', slot?.segment ?? ''));
  const watcher = watch(fixture);
  await connect.resume();
  const reason = await until('a new epoch', async () => {
    const [epoch] = await analytics.db.query<{ reason: string }>('SELECT reason FROM state.epoch WHERE epoch = 2');
    return epoch?.reason;
  });
  expect(reason).toContain(slot?.segment);
  await watcher.stop();
});
