import pg from 'pg';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { ChangeSource } from '#libs/source/contract.ts';
import { createSourceDatabase } from '../support/database.ts';
import { type PostgresWorld, postgresWorld } from './postgres-world.ts';
import { eventually } from './stage.ts';
import { Reader, Replica } from './world.ts';

/* A start that has to wait says what it waits for, and what ends the wait. */

let world: PostgresWorld;
let reader: Reader | undefined;

beforeEach(async () => {
  world = postgresWorld(await createSourceDatabase('waits'));
});
afterEach(async () => {
  reader?.stop();
  await world.close();
});

function open(): ChangeSource {
  const source = world.source();
  reader = new Reader(world, new Replica()).start(source);
  return source;
}

const streaming = (source: ChangeSource): Promise<void> => eventually(() => source.status().state).toBe('streaming');

test('who would replace what another process brings from another source waits, and says so', async () => {
  world.progress.other = 'process 4711 on staging';
  const source = open();
  await eventually(() => source.status().detail).toMatch(
    /^process 4711 on staging follows another source, .*: give each source an analytics database of its own/,
  );
  expect(world.progress.reasons).toEqual([]);
  world.progress.other = undefined;
  await streaming(source);
});

describe('a start that waits for others says for whom, and how that ends', () => {
  const ending = async (source: ChangeSource, told: RegExp): Promise<void> => {
    const words = (): string => source.status().detail;
    await expect.poll(words, { timeout: 30_000 }).toMatch(told);
    await world.database.db.query(told.exec(words())?.[1] ?? '');
    await streaming(source);
  };
  const client = async (): Promise<pg.Client> => {
    const session = new pg.Client({ ...world.database.address, application_name: 'school' });
    session.on('error', () => {});
    await session.connect();
    return session;
  };

  test('a transaction that writes and is idle', async () => {
    const idle = await client();
    await idle.query(`BEGIN; INSERT INTO students (external_id) VALUES ('a')`);
    const source = open();
    await ending(
      source,
      /^making the replication slot \w+; the server waits for server process \d+ \(postgres, school; (SELECT pg_terminate_backend\(\d+\)) ends it\)$/,
    );
  });

  test('a table that somebody has locked', async () => {
    const locking = await client();
    await locking.query('BEGIN; LOCK grades');
    const source = open();
    await ending(
      source,
      /waits for server process \d+ \(postgres, school; (SELECT pg_terminate_backend\(\d+\)) ends it\)$/,
    );
  });
});
