import { expect, test } from 'vitest';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import type { StoredOffset } from '#libs/source/connect/offset.ts';
import { SlotReader } from '../../services/register/slot-reader.ts';

const COMMIT: StoredOffset = { lsn: 100n, lsn_proc: 100n, lsn_commit: 100n, messageType: 'COMMIT' };
const INSERT: StoredOffset = { lsn: 120n, lsn_proc: 120n, lsn_commit: 100n, messageType: 'INSERT' };
/** The first row behind a commit may share its place. */
const FIRST: StoredOffset = { ...COMMIT, messageType: 'INSERT' };

type Look = readonly [epoch: number, pid: number | null, offset: StoredOffset];

/** What is noted after these looks: epoch, process, whether it may have begun midway. */
async function notedAfter(...looks: readonly Look[]): Promise<unknown[]> {
  const noted: unknown[] = [];
  const query = async (_: unknown, values: unknown): Promise<unknown[]> => {
    noted.push(values);
    return [];
  };
  const db = { query } as unknown as Queryable;
  const reader = new SlotReader();
  for (const look of looks) await reader.look(db, ...look);
  return noted;
}

test('a reader is noted once, and nobody is no reader', async () => {
  expect(
    await notedAfter([1, null, COMMIT], [1, 7, COMMIT], [1, 7, INSERT], [1, null, INSERT], [1, 7, INSERT]),
  ).toEqual([[1, 7, false]]);
  expect(await notedAfter([1, 7, COMMIT], [2, 7, COMMIT])).toEqual([
    [1, 7, true],
    [2, 7, false],
  ]);
});

test.each<[string, StoredOffset, StoredOffset, boolean]>([
  ['between two transactions', COMMIT, COMMIT, false],
  ['behind a row', INSERT, INSERT, true],
  ['behind the first row after a commit', FIRST, FIRST, true],
  ['behind a commit, and has come further', COMMIT, INSERT, true],
  ['behind a row, and has come to a commit', INSERT, { ...COMMIT, lsn: 130n }, true],
  ['behind a commit, and has come to another', COMMIT, { ...COMMIT, lsn: 130n }, true],
])('one that began %s', async (_, before, after, isMidway) => {
  expect((await notedAfter([1, 7, before], [1, 8, after])).at(-1)).toEqual([1, 8, isMidway]);
});

test('what a supervisor that has just begun cannot know counts as midway', async () => {
  expect(await notedAfter([1, 7, COMMIT])).toEqual([[1, 7, true]]);
});
