import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { dropAllSlots } from '#libs/source/pgoutput/index.ts';
import { createSourceDatabase } from '../support/database.ts';
import { type PostgresWorld, postgresWorld } from './postgres-world.ts';
import { eventually } from './stage.ts';
import { Reader, Replica, write } from './world.ts';

/* The log is decoded with the catalogue of its time: what was altered and put right again in between stays in it for ever. */

let world: PostgresWorld;
let replica: Replica;
let reader: Reader;
const grade = { id: randomUUID(), grade_value: '1.50' };
const query = (sql: string): Promise<object[]> => world.database.db.query(sql);

beforeEach(async () => {
  world = postgresWorld(await createSourceDatabase('log'));
  replica = new Replica();
  await write(world, (writer) => writer.insert('grades', [grade]));
  await start();
});
afterEach(async () => {
  reader.stop();
  await world.close();
});

async function start(): Promise<void> {
  const source = world.source();
  reader = new Reader(world, replica).start(source);
  await eventually(() => reader.error ?? source.status().state).toBe('streaming');
  await agreed();
}

const agreed = async (): Promise<void> => eventually(async () => replica.rows()).toEqual(await world.rows());

/** Stops the reader and runs `what`, which its slot keeps. */
async function away(what: string): Promise<void> {
  reader.stop();
  await eventually(async () => (await query(ACTIVE)).length).toBe(0);
  for (const statement of what.split(';')) await query(statement);
}
const ACTIVE = 'SELECT FROM pg_replication_slots WHERE database = current_database() AND active';

describe('what happened while nobody read, and was set right again', () => {
  test.for([
    [
      'a column had another name, and a row came',
      `ALTER TABLE grades RENAME COLUMN grade_value TO v; INSERT INTO grades (v) VALUES (7);
       ALTER TABLE grades RENAME COLUMN v TO grade_value`,
      /^in the log of the source, the table public\.grades has no column grade_value: it was renamed/,
    ],
    [
      'the replica identity was nothing, and a row came',
      'ALTER TABLE grades REPLICA IDENTITY NOTHING; INSERT INTO grades (grade_value) VALUES (7); ALTER TABLE grades REPLICA IDENTITY DEFAULT',
      /^in the log of the source, the replica identity of the table public\.grades does not contain id/,
    ],
    [
      'the replica identity was another column, and a row went',
      `UPDATE grades SET grade_item = 'quiz'; ALTER TABLE grades ALTER COLUMN grade_item SET NOT NULL;
       CREATE UNIQUE INDEX by_item ON grades (grade_item); ALTER TABLE grades REPLICA IDENTITY USING INDEX by_item;
       DELETE FROM grades; ALTER TABLE grades REPLICA IDENTITY DEFAULT`,
      /^in the log of the source, the replica identity of the table public\.grades does not contain id/,
    ],
    [
      'the publication had another name, and a row came',
      'ALTER PUBLICATION prepadata RENAME TO p; INSERT INTO grades (grade_value) VALUES (7); ALTER PUBLICATION p RENAME TO prepadata',
      /the publication or a table of the source was made anew/,
    ],
    [
      'the table had another name, and a row came',
      'ALTER TABLE grades RENAME TO g; INSERT INTO g (grade_value) VALUES (7); ALTER TABLE g RENAME TO grades',
      /the publication or a table of the source was made anew/,
    ],
  ] as const)('%s: everything is read anew, by itself', async ([, sql, reason]) => {
    await away(sql);
    await start();
    expect(world.progress.reasons).toEqual([expect.anything(), expect.stringMatching(reason)]);
    await write(world, (writer) => writer.insert('grades', [{ ...grade, id: randomUUID(), grade_item: 'exam' }]));
    await agreed();
  });

  test('a second time it is for somebody to look at; what is printed then helps', async () => {
    const rename = `ALTER TABLE grades RENAME COLUMN grade_value TO v; INSERT INTO grades (v) VALUES (7);
                    ALTER TABLE grades RENAME COLUMN v TO grade_value`;
    for (const statement of rename.split(';')) await query(statement);
    await eventually(() => world.progress.reasons.length).toBe(2);
    await agreed();
    for (const statement of rename.split(';')) await query(statement);
    await reader.ended;
    expect(reader.error).toMatchObject({
      code: 'source_log_unreadable',
      message: expect.stringMatching(/has no column grade_value: .*; everything was read anew for it before, in vain$/),
      hint: expect.stringMatching(/npm run slot -- --drop\), and start again: everything is read anew$/),
    });
    expect(await dropAllSlots(world.database.address, world.slotPrefix)).toEqual([`${world.slotPrefix}_2`]);
    await start();
    expect(world.progress.reasons.at(-1)).toMatch(/is gone$/);
  });
});

describe('what changes no row is carried on with', () => {
  const benign = [
    'GRANT SELECT (grade_value) ON grades TO pg_monitor',
    'VACUUM FULL grades',
    'ALTER TABLE grades ALTER COLUMN grade_value SET STATISTICS 500',
    'CLUSTER grades USING grades_pkey',
  ];

  test('while nobody reads, each time, and it is kept how the source looks by now', async () => {
    for (const statement of benign) {
      await away(statement);
      await write(world, (writer) => writer.update('grades', grade.id, { grade_item: statement }));
      const before = world.progress.stored?.origin;
      await start();
      expect(world.progress.stored?.origin).not.toBe(before);
    }
    expect(world.progress.reasons).toHaveLength(1);
    expect(reader.changes.map((change) => change.op)).toEqual(['update']);
  });

  test('under a running reader, whose stream does not even break off', async () => {
    const pid = async (): Promise<unknown> =>
      (await query('SELECT active_pid FROM pg_replication_slots WHERE database = current_database()'))[0];
    const first = await pid();
    for (const statement of benign.slice(0, 2)) {
      const before = world.progress.stored?.origin;
      await query(statement);
      await eventually(() => world.progress.stored?.origin).not.toBe(before);
    }
    await write(world, (writer) => writer.update('grades', grade.id, { grade_value: '3.00' }));
    await agreed();
    expect(await pid()).toEqual(first);
    expect(world.progress.reasons).toHaveLength(1);
  });

  test('a replica identity that is set otherwise is looked at, and carried on with if it tells the id', {
    timeout: 60_000,
  }, async () => {
    await query('ALTER TABLE grades REPLICA IDENTITY FULL');
    await write(world, (writer) => writer.update('grades', grade.id, { grade_value: '3.00' }));
    await sleep(6_000);
    await write(world, (writer) => writer.delete('grades', grade.id));
    await agreed();
    expect(world.progress.reasons).toHaveLength(1);
  });
});
