import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { beginReading } from '#libs/source/postgres/snapshot.ts';
import { createSourceDatabase } from '../support/database.ts';
import { type PostgresWorld, postgresWorld } from './postgres-world.ts';
import { eventually } from './stage.ts';
import { Reader, Replica, write } from './world.ts';

let world: PostgresWorld;
let replica: Replica;
let readers: Reader[];

beforeEach(async () => {
  world = postgresWorld(await createSourceDatabase('epochs'));
  replica = new Replica();
  readers = [];
  await addStudent();
});
afterEach(async () => {
  for (const reader of readers) reader.stop();
  await world.close();
});

async function addStudent(): Promise<void> {
  await write(world, (writer) => writer.insert('students', [{ id: randomUUID() }]));
}

/** Reads until the initial snapshot of `epoch` has ended and the replica agrees. */
async function readTo(epoch: number): Promise<Reader> {
  const reader = new Reader(world, replica).start(world.source());
  readers.push(reader);
  await eventually(() => reader.error ?? world.progress.stored).toMatchObject({ epoch, phase: 'streaming' });
  await agreed();
  return reader;
}

async function agreed(): Promise<void> {
  await eventually(async () => replica.rows()).toEqual(await world.rows());
}

async function slots(): Promise<string[]> {
  const rows = await world.database.db.query<{ slot_name: string }>(
    'SELECT slot_name FROM pg_replication_slots WHERE database = $1 ORDER BY 1',
    [world.database.address.database],
  );
  return rows.map((row) => row.slot_name);
}

async function inactive(): Promise<void> {
  const active = async (): Promise<number> => {
    const rows = await world.database.db.query<{ n: number }>(
      'SELECT count(*)::int AS n FROM pg_replication_slots WHERE database = $1 AND active',
      [world.database.address.database],
    );
    return rows[0]?.n ?? 0;
  };
  await eventually(active).toBe(0);
}

/** One life of the reader, then `what`, then another life. */
async function between(what: () => Promise<unknown>): Promise<void> {
  const reader = await readTo(1);
  await addStudent();
  await agreed();
  reader.stop();
  await inactive();
  await what();
  await addStudent();
}

describe('a new epoch begins, with a reason', () => {
  test('when the slot is gone', async () => {
    await between(() => world.database.db.query(`SELECT pg_drop_replication_slot('${world.slotPrefix}_1')`));
    await world.database.db.query('DELETE FROM students WHERE id = (SELECT id FROM students LIMIT 1)');
    await readTo(2);
    expect(world.progress.reasons[1]).toBe(`the replication slot ${world.slotPrefix}_1 is gone`);
    expect(await slots()).toEqual([`${world.slotPrefix}_2`]);
  });

  test('when the slot has forgotten more than is stored', async () => {
    await between(async () => {
      const { stored } = world.progress;
      if (stored !== undefined) world.progress.stored = { ...stored, applied: stored.applied - 1n };
    });
    await readTo(2);
    expect(world.progress.reasons[1]).toMatch(/^a gap: the replication slot \w+ begins at [0-9A-F/]+, only/);
    expect(await slots()).toEqual([`${world.slotPrefix}_2`]);
  });

  test('when the log ends before what is stored', async () => {
    await between(async () => {
      const { stored } = world.progress;
      if (stored !== undefined) world.progress.stored = { ...stored, applied: stored.applied + (1n << 40n) };
    });
    await readTo(2);
    expect(world.progress.reasons[1]).toMatch(/the source's log was set back/);
  });

  test('when the server is another', async () => {
    await between(async () => {
      const { stored } = world.progress;
      if (stored !== undefined) world.progress.stored = { ...stored, origin: '1/1/elsewhere/0' };
    });
    await readTo(2);
    expect(world.progress.reasons[1]).toMatch(/another server, timeline or database .* instead of 1\/1\/elsewhere\/0/);
  });
});

describe('a new epoch begins as well', () => {
  test('when the publication was made anew', async () => {
    await between(async () => {
      await world.database.db.query('DROP PUBLICATION prepadata');
      await addStudent();
    });
    await readTo(2);
    expect(world.progress.reasons[1]).toMatch(/the publication or a table of the source was made anew/);
  });

  test('when a table was made anew under a running reader', async () => {
    await readTo(1);
    await world.database.db.query(`
      CREATE TABLE other (LIKE enrollments INCLUDING ALL);
      DROP TABLE enrollments;
      ALTER TABLE other RENAME TO enrollments;
      ALTER PUBLICATION prepadata ADD TABLE enrollments;
      INSERT INTO enrollments DEFAULT VALUES`);
    await eventually(() => world.progress.stored).toMatchObject({ epoch: 2, phase: 'streaming' });
    await agreed();
  });

  test('when a word of an enum was renamed under a running reader, which sends no row that holds it', async () => {
    const { db } = world.database;
    await db.query(`CREATE TYPE activity AS ENUM ('view');
      ALTER TABLE activity_logs ALTER COLUMN activity_type TYPE activity USING activity_type::activity;
      INSERT INTO activity_logs (activity_type, timestamp) VALUES ('view', now())`);
    await readTo(1);
    await db.query(`ALTER TYPE activity RENAME VALUE 'view' TO 'viewed'`);
    await agreed();
    expect(world.progress.reasons[1]).toMatch(/a word of its enums renamed/);
  });

  test('when the initial snapshot never ended, and its slot goes', async () => {
    let batches = 0;
    const short = new Reader(world, replica, () => (++batches > 0 ? 'die before done' : 'done'));
    readers.push(short.start(world.source()));
    await short.ended;
    expect(await slots()).toEqual([`${world.slotPrefix}_1`]);
    await readTo(2);
    expect(world.progress.reasons[1]).toBe('the initial snapshot of epoch 1 never ended');
    expect(await slots()).toEqual([`${world.slotPrefix}_2`]);
  });
});

describe('slots', () => {
  test('a leftover of the same name, and others of the prefix, are dropped; those of others stay', async () => {
    for (const name of [`${world.slotPrefix}_1`, `${world.slotPrefix}_99`, `${world.slotPrefix}_x`]) {
      await world.database.db.query(`SELECT pg_create_logical_replication_slot('${name}', 'pgoutput')`);
    }
    await readTo(1);
    expect(await slots()).toEqual([`${world.slotPrefix}_1`, `${world.slotPrefix}_x`]);
  });

  test('a restart goes on in the same epoch and reads nothing again', async () => {
    await between(async () => {});
    const reader = await readTo(1);
    await agreed();
    expect(reader.changes.map((change) => change.op)).toEqual(['create']);
    expect(world.progress.reasons).toEqual(['nothing was read from this source before']);
  });
});

test('a table rewritten between the snapshot and its reading is noticed, for it would look empty', async () => {
  const [exporter, reader] = [new pg.Client(world.database.address), new pg.Client(world.database.address)];
  await exporter.connect();
  await reader.connect();
  try {
    await exporter.query('BEGIN ISOLATION LEVEL REPEATABLE READ');
    const snapshot = await exporter.query<{ id: string }>('SELECT pg_export_snapshot() AS id');
    const id = snapshot.rows[0]?.id ?? '';
    await beginReading(reader, sourceNames(), id, 'off');
    await reader.query('COMMIT');
    await world.database.db.query('ALTER TABLE grades ALTER COLUMN grade_value TYPE numeric(20, 4)');
    await expect(beginReading(reader, sourceNames(), id, 'off')).rejects.toThrow(/source table grades was rewritten/);
  } finally {
    await exporter.end();
    await reader.end();
  }
});
