import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import type { Change } from '#libs/domain/change.ts';
import type { ChangeBatch, Progress, UndecodableRecord } from '#libs/source/contract.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { openPartitionProgress, openProgressStore, PartitionBegunAnew } from '#libs/store/progress/progress.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { testSettings } from '../support/settings.ts';

const { reading } = testSettings();
const [A, B] = ['kafka:lms.public.grades:0', 'kafka:lms.public.grades:1'] as const;
let database: TestDatabase;

beforeAll(async () => {
  database = await createAnalyticsDatabase('partitions');
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.db.query(
    'TRUNCATE stream_progress, state.stream_gap, state.epoch, rejected_change, state.rejected_total RESTART IDENTITY',
  );
});

const store = () => openPartitionProgress(database.db);
const beginEpoch = () => openProgressStore(database.db).beginEpoch('debezium', 'a server', 'a test');
const stage = (batch: Partial<ChangeBatch>) => stageBatch(database.db, { changes: [], ...batch }, reading);
const at = (stream: string, applied: bigint, epoch = 1): Progress => ({ stream, epoch, applied });
const applied = async (): Promise<Record<string, bigint>> => {
  const rows = await database.db.query<{ stream: string; applied: bigint }>(
    `SELECT stream, applied FROM stream_progress WHERE stream LIKE 'kafka:%'`,
  );
  return Object.fromEntries(rows.map((row) => [row.stream, row.applied]));
};

test('an epoch of Debezium begins with a reading of everything, and has partitions only once they are read', async () => {
  expect(await store().newestEpoch()).toBe(0);
  expect(await beginEpoch()).toBe(1);
  expect(await beginEpoch()).toBe(2);
  expect(await store().newestEpoch()).toBe(2);
  expect(await openProgressStore(database.db).read('debezium')).toMatchObject({ epoch: 2, phase: 'snapshot' });
  expect(await applied()).toEqual({});
});

test('a partition begins at its first record, in the newest epoch, and is found again as it was left', async () => {
  await beginEpoch();
  expect(await store().open([A, B], 'cluster')).toEqual([
    { stream: A, epoch: 1, applied: 0n, lastRecord: null, origin: 'cluster' },
    { stream: B, epoch: 1, applied: 0n, lastRecord: null, origin: 'cluster' },
  ]);
  await stage({ partitions: [at(B, 7n), at(A, 3n)] });
  await beginEpoch();
  expect(await store().open([A], 'another')).toEqual([
    { stream: A, epoch: 1, applied: 3n, lastRecord: null, origin: 'cluster' },
  ]);
  expect(await applied()).toEqual({ [A]: 3n, [B]: 7n });
});

test('progress only moves forward, whoever is late', async () => {
  await beginEpoch();
  await store().open([A], 'cluster');
  await stage({ partitions: [at(A, 9n)] });
  await stage({ partitions: [at(A, 4n)] });
  expect(await applied()).toEqual({ [A]: 9n });
});

test('with it goes the fingerprint of the last record, and a new epoch forgets it', async () => {
  await beginEpoch();
  await store().open([A], 'cluster');
  await stage({ partitions: [{ ...at(A, 9n), lastRecord: -9n }] });
  await stage({ partitions: [{ ...at(A, 4n), lastRecord: -4n }] });
  await stage({ partitions: [{ ...at(A, 9n), lastRecord: 0n }] });
  expect(await store().open([A], 'cluster')).toMatchObject([{ applied: 9n, lastRecord: -9n }]);
  await store().noteGap(A, 'nine is another', { epoch: 1, applied: 9n });
  await beginEpoch();
  expect(await store().closeGap(A, 0n, 'cluster')).toMatchObject({ applied: 0n, lastRecord: null });
});

test('two who write the same partitions at once do not stop each other', async () => {
  await beginEpoch();
  await store().open([A, B], 'cluster');
  const rounds = Array.from({ length: 30 }, (_, index) => BigInt(index));
  await Promise.all([
    ...rounds.map((offset) => stage({ partitions: [at(A, offset), at(B, offset)] })),
    ...rounds.map((offset) => stage({ partitions: [at(B, offset), at(A, offset)] })),
  ]);
  expect(await applied()).toEqual({ [A]: 29n, [B]: 29n });
});

test('a gap is there for all to see, and is closed by a newer epoch alone', async () => {
  await beginEpoch();
  await store().open([A], 'cluster');
  await stage({ partitions: [at(A, 5n)] });
  await store().noteGap(A, 'five is gone', { epoch: 1, applied: 5n });
  expect(await store().closeGap(A, 40n, 'cluster')).toBeUndefined();
  expect(await database.db.query('SELECT stream, epoch, said FROM state.stream_gap')).toEqual([
    { stream: A, epoch: 1, said: 'five is gone' },
  ]);
  await beginEpoch();
  // Said again, it is still the gap of the epoch before.
  await store().noteGap(A, 'five is gone, as ever', { epoch: 1, applied: 5n });
  expect(await store().closeGap(A, 40n, 'another')).toEqual({
    stream: A,
    epoch: 2,
    applied: 40n,
    lastRecord: null,
    origin: 'another',
  });
  expect(await database.db.query('SELECT FROM state.stream_gap')).toEqual([]);
});

test('of who was late when a partition was begun anew nothing is taken, and it is not moved', async () => {
  await beginEpoch();
  await store().open([A], 'cluster');
  await store().noteGap(A, 'gone', { epoch: 1, applied: 0n });
  await beginEpoch();
  await store().open([B], 'cluster');
  await store().closeGap(A, 10n, 'cluster');
  const [id, early] = ['c0000000-0000-4000-8000-00000000000a', 'c0000000-0000-4000-8000-00000000000b'];
  const course = (one: string, epoch: number): Change => ({
    table: 'courses',
    op: 'create',
    id: one,
    position: { epoch, lsn: 7n },
    after: { fullname: 'Gone since', shortname: null },
  });
  const late = stage({ changes: [course(id, 1)], partitions: [at(B, 3n, 2), at(A, 900n, 1)] });
  await expect(late).rejects.toThrow(PartitionBegunAnew);
  expect(await applied()).toEqual({ [A]: 10n, [B]: 0n });
  // Records of the epoch before that are in the log still are taken, as ever.
  await stage({ changes: [course(early, 1)], partitions: [at(A, 11n, 2)] });
  expect(await applied()).toEqual({ [A]: 11n, [B]: 0n });
  expect(await database.db.query('SELECT id FROM state.image_courses')).toEqual([{ id: early }]);
});

test('who slept while another moved a partition on, or began it anew, finds no gap in it, but where it stands', async () => {
  await beginEpoch();
  await store().open([A, B], 'cluster');
  await stage({ partitions: [at(A, 9n), at(B, 5n)] });
  expect(await store().noteGap(A, 'four is gone', { epoch: 1, applied: 4n })).toMatchObject({ epoch: 1, applied: 9n });
  expect(await store().noteGap(B, 'five is gone', { epoch: 1, applied: 5n })).toBeUndefined();
  await beginEpoch();
  await store().closeGap(B, 0n, 'cluster');
  expect(await store().noteGap(B, 'set back', { epoch: 1, applied: 5n })).toMatchObject({ epoch: 2, applied: 0n });
  expect(await database.db.query('SELECT FROM state.stream_gap')).toEqual([]);
});

test('a gap goes with its partition, where a topic is made anew with fewer: nobody could close it', async () => {
  const [one, eleven] = ['kafka:lms.public.grades:11', 'kafka:lms.public.grades.old:11'];
  for (const stream of [A, B, one, eleven]) await store().noteGap(stream, 'gone', { epoch: 1, applied: 0n });
  await store().noteTopics([{ table: 'grades', topic: 'lms.public.grades', partitions: 1 }]);
  expect(await database.db.query('SELECT stream FROM state.stream_gap ORDER BY stream COLLATE "C"')).toEqual([
    { stream: eleven },
    { stream: A },
  ]);
});

test('gaps that are none are taken away', async () => {
  await store().noteGap(A, 'gone', { epoch: 1, applied: 0n });
  await store().noteGap(B, 'gone', { epoch: 1, applied: 0n });
  await store().clearGaps([A]);
  expect(await database.db.query('SELECT stream FROM state.stream_gap')).toEqual([{ stream: B }]);
});

test('a record that cannot be read is listed under its place, and counted once', async () => {
  const record: UndecodableRecord = {
    origin: 'lms.public.grades:1:41',
    table: 'grades',
    position: { epoch: 0, lsn: 0n },
    reason: 'undecodable',
    payload: 'x'.repeat(9000),
  };
  const result = await stage({ undecodable: [record], partitions: [] });
  expect(result.rejected).toBe(1);
  await stage({ undecodable: [record] });
  expect(
    await database.db.query(
      'SELECT origin, source_table, source_id, reason, length(payload) AS size FROM rejected_change',
    ),
  ).toEqual([{ origin: record.origin, source_table: 'grades', source_id: null, reason: 'undecodable', size: 8192 }]);
  expect(await database.db.query('SELECT reason, total FROM state.rejected_total')).toEqual([
    { reason: 'undecodable', total: 1n },
  ]);
});
