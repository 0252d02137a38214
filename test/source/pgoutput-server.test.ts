import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/platform/embedded-postgres/embedded.ts';
import { type Database, type DatabaseAddress, openDatabase } from '#libs/platform/postgres/database.ts';
import type { ChangeBatch, SlotStatus } from '#libs/source/contract.ts';
import { pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { SOURCE_SCHEMA } from '../support/source-schema.ts';
import { eventually } from './stage.ts';
import { type Fate, MemoryProgress, Reader, Replica, type SourceWorld } from './world.ts';

/** These tests stop, kill and starve a server, so they have their own. */
const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-source-'));
const logical = {
  wal_level: 'logical',
  fsync: 'off',
  max_connections: 30,
  max_prepared_transactions: 2,
  // Each test leaves one behind.
  max_replication_slots: 20,
};
let server: EmbeddedPostgres;

beforeAll(async () => {
  server = await startEmbeddedPostgres({ folder, settings: logical });
});
afterAll(async () => {
  await server.stop();
  rmSync(folder, { recursive: true, force: true });
});

const start = async (settings: Record<string, string | number>): Promise<void> => {
  server = await startEmbeddedPostgres({ folder, settings });
};

/** Stops it gracefully, which waits for whoever follows it; a follower that held it up would make the stop forced. */
async function stopped(): Promise<void> {
  const { length } = readFileSync(server.logFile, 'utf8');
  await server.stop(20_000);
  expect(readFileSync(server.logFile, 'utf8').slice(length)).not.toContain('immediate shutdown');
}

async function freshDatabase(name: string): Promise<void> {
  await server.ensureDatabase(name);
  await within(name, (db) => db.query(SOURCE_SCHEMA));
}

async function within<T>(name: string, work: (db: Database) => Promise<T>): Promise<T> {
  const db = openDatabase(server.admin(name), { connections: 1, onIdleError: () => {} });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

const addStudents = (name: string, count: number): Promise<unknown> =>
  within(name, (db) =>
    db.query('INSERT INTO students (external_id) SELECT gen_random_uuid()::text FROM generate_series(1, $1)', [count]),
  );

const count = async (name: string): Promise<number> => {
  const rows = await within(name, (db) => db.query<{ n: number }>('SELECT count(*)::int AS n FROM students'));
  return rows[0]?.n ?? -1;
};

interface Life {
  readonly progress: MemoryProgress;
  readonly replica: Replica;
  readonly reader: Reader;
  readonly warnings: string[];
  state(): string;
  detail(): string;
  slot(): SlotStatus | undefined;
  students(): number;
}

function live(
  name: string,
  progress = new MemoryProgress(),
  replica = new Replica(),
  fate?: (batch: ChangeBatch) => Promise<Fate>,
  slotLimit: 'required' | 'none' = 'none',
  login: Partial<DatabaseAddress> = {},
): Life {
  const warnings: string[] = [];
  const source = pgoutputSource({
    address: { ...server.admin(name), ...login },
    progress,
    slotPrefix: name,
    slotLimit,
    log: (level, message) => {
      if (level === 'warn') warnings.push(message);
    },
  });
  const world: Pick<SourceWorld, 'progress'> = { progress };
  const reader = new Reader(world as SourceWorld, replica, fate).start(source);
  return {
    progress,
    replica,
    reader,
    warnings,
    state: () => (reader.error === undefined ? source.status().state : String(reader.error)),
    detail: () => source.status().detail,
    slot: () => source.status().slot,
    students: () => replica.rows().get('students')?.size ?? 0,
  };
}

test('a server that stops is not held up, is waited for, and goes on where it was', async () => {
  await freshDatabase('restart');
  const life = live('restart');
  await eventually(life.state).toBe('streaming');
  await addStudents('restart', 5);
  await within('restart', (db) => db.query('CREATE TABLE noise AS SELECT generate_series(1, 10000) AS n'));
  await stopped();
  await eventually(life.state).toBe('waiting');
  await sleep(300);
  await start(logical);
  await addStudents('restart', 3);
  await eventually(life.students).toBe(8);
  expect(life.state()).toBe('streaming');
  expect(life.progress.reasons).toEqual(['nothing was read from this source before']);
  life.reader.stop();
});

test('a server that stops does not wait for a batch that is under way', async () => {
  await freshDatabase('held');
  let release: () => void = () => {};
  const hold = new Promise<void>((resolve) => {
    release = resolve;
  });
  let holding = false;
  const life = live('held', new MemoryProgress(), new Replica(), async (batch) => {
    if (batch.changes[0]?.op === 'create' && !holding) {
      holding = true;
      await hold;
    }
    return 'done';
  });
  await eventually(life.state).toBe('streaming');
  await addStudents('held', 5);
  await eventually(() => holding).toBe(true);
  await stopped();
  expect(life.state()).toBe('waiting');
  release();
  await start(logical);
  await addStudents('held', 2);
  await eventually(life.students).toBe(7);
  expect(life.progress.reasons.length).toBe(1);
  life.reader.stop();
});

test('a database whose name is taken away for a moment, as by a restore, is waited for', async () => {
  await freshDatabase('renamed');
  const life = live('renamed');
  await eventually(life.state).toBe('streaming');
  await within('postgres', async (db) => {
    await db.query('ALTER DATABASE renamed ALLOW_CONNECTIONS false');
    await db.query(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE datname = 'renamed'`);
    await db.query('ALTER DATABASE renamed RENAME TO aside');
    await eventually(() => life.warnings.join('\n')).toMatch(
      /\/renamed is gone \(database "renamed" does not exist\); waiting until there is one of its name again; trying again in/,
    );
    expect(life.state()).toBe('waiting');
    await db.query('ALTER DATABASE aside RENAME TO renamed');
    await db.query('ALTER DATABASE renamed ALLOW_CONNECTIONS true');
  });
  await addStudents('renamed', 1);
  await eventually(life.students).toBe(1);
  expect(life.progress.reasons.length).toBe(1);
  life.reader.stop();
});

test('a login that is taken away for a while is waited for, and it is said what to look at', async () => {
  await freshDatabase('locked');
  await within('locked', (db) => db.query(`CREATE ROLE locked SUPERUSER LOGIN PASSWORD 'locked'`));
  const life = live('locked', undefined, undefined, undefined, 'none', { user: 'locked', password: 'locked' });
  await eventually(life.state).toBe('streaming');
  await within('locked', async (db) => {
    await db.query('ALTER ROLE locked NOLOGIN');
    await db.query(`SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE usename = 'locked'`);
    await eventually(() => life.warnings.join('\n')).toMatch(
      /\/locked refused the user "locked": role "locked" is not permitted to log in; waiting until that is set right: check SOURCE_DB_USER/,
    );
    expect(life.state()).toBe('waiting');
    await db.query('ALTER ROLE locked LOGIN');
  });
  await addStudents('locked', 1);
  await eventually(life.students).toBe(1);
  expect(life.progress.reasons.length).toBe(1);
  life.reader.stop();
});

test('a server that is killed comes back with the same slot, and nothing is lost', async () => {
  await freshDatabase('crash');
  const life = live('crash');
  await eventually(life.state).toBe('streaming');
  await addStudents('crash', 5);
  process.kill(server.pid, 'SIGQUIT');
  await eventually(life.state).toBe('waiting');
  await eventually(async () => {
    await start(logical);
    return 'started';
  }).toBe('started');
  await addStudents('crash', 2);
  const expected = await count('crash');
  await eventually(life.students).toBe(expected);
  life.reader.stop();
});

test('a slot that the server has given up is a new epoch', async () => {
  await freshDatabase('lost');
  const first = live('lost');
  await eventually(first.state).toBe('streaming');
  await addStudents('lost', 5);
  await eventually(first.students).toBe(5);
  first.reader.stop();
  await within('lost', async (db) => {
    await db.query(`ALTER SYSTEM SET max_slot_wal_keep_size = '1MB'`);
    await db.query('SELECT pg_reload_conf()');
    for (let round = 0; round < 4; round += 1) {
      await db.query('CREATE TABLE filler AS SELECT repeat(md5(n::text), 20) FROM generate_series(1, 60000) AS n');
      await db.query('DROP TABLE filler');
      await db.query('SELECT pg_switch_wal()');
    }
    await db.query('CHECKPOINT');
    const slots = await db.query(`SELECT wal_status FROM pg_replication_slots WHERE slot_name = 'lost_1'`);
    expect(slots).toEqual([{ wal_status: 'lost' }]);
  });
  await addStudents('lost', 1);
  const second = live('lost', first.progress, first.replica);
  await eventually(second.students).toBe(6);
  expect(first.progress.reasons[1]).toMatch(/the replication slot lost_1 was invalidated \(wal_removed\)/);
  second.reader.stop();
  await within('lost', async (db) => {
    await db.query('ALTER SYSTEM RESET max_slot_wal_keep_size');
    await db.query('SELECT pg_reload_conf()');
  });
});

test('a slot whose log is gone from the disk, although the server knows nothing of it, is a new epoch', async () => {
  await freshDatabase('removed');
  const first = live('removed');
  await eventually(first.state).toBe('streaming');
  first.reader.stop();
  const segment = await within('removed', async (db) => {
    const [row] = await db.query<{ name: string }>(
      `SELECT pg_walfile_name(restart_lsn) AS name FROM pg_replication_slots WHERE slot_name = 'removed_1'`,
    );
    await db.query('INSERT INTO students (external_id) VALUES (1)');
    await db.query('SELECT pg_switch_wal()');
    await db.query('INSERT INTO students (external_id) VALUES (2)');
    await db.query('CHECKPOINT');
    return row?.name ?? '';
  });
  rmSync(path.join(folder, 'data', 'pg_wal', segment));
  const second = live('removed', first.progress, first.replica);
  await eventually(second.students).toBe(2);
  expect(first.progress.reasons[1]).toMatch(new RegExp(`is no longer there: .*${segment}`));
  second.reader.stop();
});

test('no slot is made on a server that would keep its log without end, unless told', async () => {
  await freshDatabase('endless');
  const refused = live('endless', undefined, undefined, undefined, 'required');
  await refused.reader.ended;
  expect(refused.reader.error).toMatchObject({
    code: 'configuration',
    message: expect.stringContaining('max_slot_wal_keep_size = -1'),
    hint: expect.stringMatching(/ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'.*SOURCE_SLOT_LIMIT=none/),
  });
  expect(refused.progress.stored).toBeUndefined();
  const slots = `SELECT slot_name FROM pg_replication_slots WHERE slot_name LIKE 'endless%'`;
  await within('endless', async (db) => expect(await db.query(slots)).toEqual([]));

  const told = live('endless');
  await eventually(told.state).toBe('streaming');
  told.reader.stop();
});

test('a server whose commits would wait for us is waited for until it names others', async () => {
  await freshDatabase('waited');
  await within('waited', (db) => db.query(`CREATE PUBLICATION prepadata FOR ALL TABLES`));
  const shown = (): Promise<object[]> =>
    within('waited', (db) => db.query(`SELECT current_setting('synchronous_standby_names') AS names`));
  const run = (sql: string): Promise<unknown> =>
    within('waited', async (db) => {
      for (const statement of sql.split(/(?<=;) /)) await db.query(statement);
    });
  for (const names of [
    '*',
    'ANY 1 (standby1, "*")',
    'FIRST 1 (standby1, "Prepadata Stream")',
    '"Debezium Streaming"',
  ]) {
    await run(`ALTER SYSTEM SET synchronous_standby_names = '${names}'; SELECT pg_reload_conf();`);
    await eventually(shown).toEqual([{ names }]);
    const life = live('waited');
    await eventually(life.detail).toContain(`(synchronous_standby_names = ${names}): each of its commits would wait`);
    expect(life.progress.stored).toBeUndefined();
    await run(/as a superuser, run: (.*;) where/.exec(life.detail())?.[1] ?? '');
    await eventually(shown).toEqual([{ names: 'FIRST 1 (standby1)' }]);
    await eventually(life.state).toBe('streaming');
    life.reader.stop();
  }
  await run('ALTER SYSTEM RESET synchronous_standby_names; SELECT pg_reload_conf();');
  await eventually(shown).toEqual([{ names: '' }]);
});

test('a prepared transaction that a start waits for is named, with what ends it', async () => {
  await freshDatabase('prepared');
  for (const [name, sql] of [
    ['written', `INSERT INTO students (external_id) VALUES ('a')`],
    ['locked', 'LOCK grades'],
  ] as const) {
    await within('prepared', (db) => db.query(`BEGIN; ${sql}; PREPARE TRANSACTION '${name}'`));
    const life = live('prepared');
    await expect
      .poll(life.detail, { timeout: 30_000 })
      .toContain(
        `waits for the prepared transaction ${name} (COMMIT PREPARED '${name}' or ROLLBACK PREPARED '${name}' ends it)`,
      );
    await within('prepared', (db) => db.query(`COMMIT PREPARED '${name}'`));
    await eventually(life.state).toBe('streaming');
    life.reader.stop();
  }
});

test('how much log the slot keeps is known, and how much more it may', async () => {
  await freshDatabase('kept');
  const life = live('kept');
  await eventually(life.state).toBe('streaming');
  await eventually(() => life.slot()?.name).toBe('kept_1');
  expect(life.slot()).toMatchObject({ safeBytes: null, isEndangered: false });
  const before = life.slot()?.retainedBytes ?? 0n;
  await within('kept', async (db) => {
    await db.query(`ALTER SYSTEM SET max_slot_wal_keep_size = '1GB'`);
    await db.query('SELECT pg_reload_conf()');
    await db.query(
      'BEGIN; CREATE TABLE held AS SELECT repeat(md5(n::text), 20) FROM generate_series(1, 3000) AS n; COMMIT',
    );
  });
  await eventually(() => life.slot()?.safeBytes).toBeTypeOf('bigint');
  expect(life.slot()?.retainedBytes).toBeGreaterThanOrEqual(0n);
  expect(before).toBeGreaterThanOrEqual(0n);
  life.reader.stop();
  await within('kept', async (db) => {
    await db.query('ALTER SYSTEM RESET max_slot_wal_keep_size');
    await db.query('SELECT pg_reload_conf()');
  });
});

test('a slot name that is taken by another database of the server is refused', async () => {
  await freshDatabase('taken');
  await server.ensureDatabase('elsewhere');
  await within('elsewhere', (db) => db.query(`SELECT pg_create_logical_replication_slot('taken_1', 'pgoutput')`));
  const life = live('taken');
  await life.reader.ended;
  expect(life.reader.error).toMatchObject({
    code: 'configuration',
    message: expect.stringMatching(/"taken_1" .* for the database "taken" exists .* for the database "elsewhere"/),
    hint: expect.stringContaining('set SOURCE_SLOT to a name that'),
  });
  await within('elsewhere', (db) => db.query(`SELECT pg_drop_replication_slot('taken_1')`));
});

test('a server without logical log, and one without a free slot, say what to set', async () => {
  await freshDatabase('levels');
  await within('levels', (db) =>
    db.query(`SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE NOT active`),
  );
  await server.stop();
  await start({ ...logical, wal_level: 'replica' });
  const unable = live('levels');
  await unable.reader.ended;
  expect(unable.reader.error).toMatchObject({
    code: 'configuration',
    message: expect.stringContaining('wal_level = replica'),
    hint: expect.stringContaining('ALTER SYSTEM SET wal_level = logical'),
  });
  await server.stop();
  await start({ ...logical, max_replication_slots: 1 });
  await within('levels', (db) => db.query(`SELECT pg_create_logical_replication_slot('full', 'pgoutput')`));
  const crowded = live('levels');
  await crowded.reader.ended;
  expect(crowded.reader.error).toMatchObject({
    code: 'configuration',
    message: expect.stringContaining('no room for one more replication slot'),
  });
});
