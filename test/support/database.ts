import { inject } from 'vitest';
import { type Database, type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import { migrate } from '#libs/store/schema/migrate.ts';
import { SOURCE_SCHEMA } from './source-schema.ts';

export interface TestDatabase {
  readonly address: DatabaseAddress;
  readonly db: Database;
  /** Closes the pool and drops the database, its slots first. */
  drop(): Promise<void>;
}

let count = 0;

/** A fresh, empty database on the run's server, or another. */
export async function createTestDatabase(
  purpose: string,
  connections = 16,
  server: DatabaseAddress = inject('postgres'),
  encoding = 'UTF8',
  template = 'template0',
): Promise<TestDatabase> {
  count += 1;
  const name = `${purpose}_${process.pid}_${count}_${Date.now().toString(36)}`
    .toLowerCase()
    .replaceAll(/[^a-z0-9_]/g, '_');
  await onServer(server, (admin) =>
    admin.query(`CREATE DATABASE "${name}" ENCODING '${encoding}' LOCALE 'C' TEMPLATE "${template}"`),
  );
  const address = { ...server, database: name };
  const db = openDatabase(address, { connections, name: `test ${purpose}` });
  return {
    address,
    db,
    drop: async () => {
      await db.close();
      await onServer(server, async (admin) => {
        await admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`).catch(async () => {
          await dropSlots(admin, name);
          await admin.query(`DROP DATABASE IF EXISTS "${name}" WITH (FORCE)`);
        });
      });
    },
  };
}

const MIGRATED = 'migrated';
/** Any constant that nothing else locks. */
const TEMPLATE_LOCK = 7_139_001;
let migrated: Promise<void> | undefined;

/** A fresh database with the newest schema on the run's server, copied from one that the first caller has migrated. */
export async function createAnalyticsDatabase(purpose: string): Promise<TestDatabase> {
  migrated ??= onServer(inject('postgres'), ensureMigrated);
  await migrated;
  return createTestDatabase(purpose, undefined, undefined, undefined, MIGRATED);
}

/** The template is renamed last, so that a half-made one is never used. */
async function ensureMigrated(admin: Database): Promise<void> {
  await admin.query('SELECT pg_advisory_lock($1)', [TEMPLATE_LOCK]);
  const [found] = await admin.query('SELECT FROM pg_database WHERE datname = $1', [MIGRATED]);
  if (found !== undefined) return;
  const made = await createTestDatabase(MIGRATED, 2);
  await migrate(made.db);
  await made.db.close();
  await admin.query(`ALTER DATABASE "${made.address.database}" RENAME TO "${MIGRATED}"`);
}

/** A fresh database with the tables of an LMSConnector in it. */
export async function createSourceDatabase(
  purpose: string,
  schema = SOURCE_SCHEMA,
  server?: DatabaseAddress,
  encoding?: string,
): Promise<TestDatabase> {
  const source = await createTestDatabase(purpose, 16, server, encoding);
  await source.db.query(schema);
  return source;
}

const UNDEFINED_OBJECT = '42704';

async function dropSlots(admin: Database, database: string): Promise<void> {
  const slots = await admin.query<{ slot_name: string; active_pid: number | null }>(
    'SELECT slot_name, active_pid FROM pg_replication_slots WHERE database = $1',
    [database],
  );
  for (const slot of slots) {
    if (slot.active_pid !== null) await admin.query('SELECT pg_terminate_backend($1, 5000)', [slot.active_pid]);
    // What was just ended may have been dropping it.
    await admin.query('SELECT pg_drop_replication_slot($1)', [slot.slot_name]).catch((error: { code?: string }) => {
      if (error.code !== UNDEFINED_OBJECT) throw error;
    });
  }
}

async function onServer(server: DatabaseAddress, work: (admin: Database) => Promise<unknown>): Promise<void> {
  const admin = openDatabase(server, { connections: 1, name: 'test admin' });
  try {
    await work(admin);
  } finally {
    await admin.close();
  }
}
