import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect } from 'vitest';
import type { ChangeBatch, ChangeSource } from '#libs/source/contract.ts';
import type { PgoutputOptions } from '#libs/source/pgoutput/index.ts';
import { createSourceDatabase } from '../support/database.ts';
import { type PostgresWorld, postgresWorld } from './postgres-world.ts';
import { eventually } from './stage.ts';
import { type Fate, Reader, Replica, write } from './world.ts';

/* A source database and its readers, new for each test of a file that calls `useReaders`. */

export let world: PostgresWorld;
export let replica: Replica;
export let readers: Reader[];
export let warnings: string[];

export function useReaders(): void {
  beforeEach(async () => {
    world = postgresWorld(await createSourceDatabase('readers'));
    replica = new Replica();
    readers = [];
    warnings = [];
  });
  afterEach(async () => {
    for (const reader of readers) reader.stop();
    expect(readers.flatMap((reader) => reader.violations)).toEqual([]);
    await world.close();
  });
}

export function open(
  options: Partial<PgoutputOptions> = {},
  fate?: (batch: ChangeBatch) => Fate | Promise<Fate>,
): { reader: Reader; source: ChangeSource } {
  const log = (level: string, message: string): void => {
    if (level === 'warn') warnings.push(message);
  };
  const source = world.source({ log, ...options });
  const reader = new Reader(world, replica, fate).start(source);
  readers.push(reader);
  return { reader, source };
}

export const streaming = (source: ChangeSource): Promise<void> =>
  eventually(() => source.status().state).toBe('streaming');

export const agreed = async (): Promise<void> => eventually(async () => replica.rows()).toEqual(await world.rows());

export const addStudents = (count = 1): Promise<void> =>
  write(world, (writer) =>
    writer.insert(
      'students',
      Array.from({ length: count }, () => ({ id: randomUUID() })),
    ),
  );

/** The column `value` of the first row. */
export async function one<T>(sql: string): Promise<T | undefined> {
  const rows = await world.database.db.query<{ value: T }>(sql);
  return rows[0]?.value;
}

/** Holds a reader until it is opened. */
export function gate(): { wait: Promise<void>; open: () => void } {
  let release: () => void = () => {};
  const wait = new Promise<void>((resolve) => {
    release = resolve;
  });
  return { wait, open: () => release() };
}
