import { Subject } from 'rxjs';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { AnyRowChange, RowOp } from '#libs/domain/change.ts';
import { type Intake, startIntake } from '#libs/pipeline/intake.ts';
import { Work } from '#libs/pipeline/work.ts';
import { openLog } from '#libs/platform/log.ts';
import { type Database, openDatabase } from '#libs/platform/postgres/database.ts';
import type { Delivery } from '#libs/source/contract.ts';
import { stageBatch } from '#libs/store/images/stage.ts';
import { openPartitionProgress, openProgressStore } from '#libs/store/progress/progress.ts';
import { uuid } from '../api/support.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { testSettings } from '../support/settings.ts';

const LONG_MS = 3_600_000;

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('intake');
});
afterAll(() => analytics.drop());

let deliveries: Subject<Delivery>;
let work: Work;
let intake: Intake;
let failures: unknown[];
/** Batches after which the source may go on. */
let done: number;
afterEach(() => intake.stop());

function begin(options: { gatherMs?: number; fullBatch?: number; db?: Database } = {}): void {
  deliveries = new Subject();
  work = new Work();
  failures = [];
  done = 0;
  intake = startIntake({
    source: {
      deliveries: () => deliveries,
      status: () => ({ state: 'streaming', detail: '', lagBytes: null, heardAt: null }),
    },
    db: analytics.db,
    settings: testSettings(),
    work,
    log: openLog('silent'),
    onFailure: (error) => failures.push(error),
    ...options,
  });
}

const deliver = (changes: readonly AnyRowChange[]): void =>
  deliveries.next({
    batch: { changes },
    done: () => {
      done += 1;
    },
  });

let lsn = 0;
function course(op: RowOp, committedAt?: number): AnyRowChange {
  lsn += 1;
  return {
    table: 'courses',
    op,
    id: uuid('c', lsn),
    position: { epoch: 1, lsn: op === 'read' ? 0n : BigInt(lsn) },
    ...(committedAt === undefined ? {} : { committedAt }),
    after: { fullname: `Course ${lsn}`, shortname: null },
  };
}
const many = (count: number, op: RowOp, committedAt?: number): AnyRowChange[] =>
  Array.from({ length: count }, () => course(op, committedAt));

test('rows of a snapshot are staged, and count for nothing that was streamed', async () => {
  begin();
  deliver([course('read'), course('read'), course('create')]);
  await expect.poll(() => done).toBe(1);
  await intake.stop();
  expect({ staged: intake.staged, streamed: intake.streamed, failures }).toEqual({
    staged: 3,
    streamed: 1,
    failures: [],
  });
});

test('after a few changes, which are staged at once, the source goes on when more may have come', async () => {
  begin({ gatherMs: LONG_MS });
  deliver([course('create')]);
  await expect.poll(() => intake.staged).toBe(1);
  expect(done).toBe(0);
  await intake.stop();
  expect(done).toBe(1);
});

test('after many changes, and where there was none, the source goes on at once', async () => {
  begin({ gatherMs: LONG_MS });
  deliver(many(50, 'create'));
  deliver([]);
  await expect.poll(() => done).toBe(2);
});

test.each([
  { of: 'changes of just now', full: 3, op: 'create', age: 0, isBehind: false },
  { of: 'changes of long ago', full: 3, op: 'create', age: 60_000, isBehind: true },
  { of: 'fewer changes of long ago', full: 4, op: 'create', age: 60_000, isBehind: false },
  { of: 'rows of a snapshot', full: 3, op: 'read', age: undefined, isBehind: true },
] as const)('a batch of $of: behind is $isBehind', async ({ full, op, age, isBehind }) => {
  begin({ fullBatch: full });
  deliver(many(3, op, age === undefined ? undefined : Date.now() - age));
  await expect.poll(() => done).toBe(1);
  expect(work.isBehind).toBe(isBehind);
});

test.each([
  { what: 'the last whole transaction', batch: { progress: { stream: 'pgoutput', epoch: 1, applied: 9n } } },
  { what: 'a part of a transaction', batch: { of: { stream: 'pgoutput', epoch: 1 } } },
  { what: 'a part of a snapshot', batch: { of: { stream: 'pgoutput', epoch: 1 }, isPartOfSnapshot: true } },
] as const)('once another process has begun another epoch nothing is staged of $what', async ({ batch }) => {
  const { db } = analytics;
  const progress = openProgressStore(db);
  await db.query('TRUNCATE state.epoch, stream_progress RESTART IDENTITY');
  await progress.beginEpoch('pgoutput', 'a server', 'a test');
  const changes = many(4, 'isPartOfSnapshot' in batch ? 'read' : 'create');
  // While this reader slept, another one read everything in the source: these rows no longer exist there.
  const epoch = await progress.beginEpoch('pgoutput', 'a server', 'a test');
  const place = { stream: 'pgoutput', epoch, applied: 20n };
  await stageBatch(db, { changes: [], progress: place, snapshotCompleted: { epoch } }, testSettings().reading);
  begin();
  deliveries.next({ batch: { changes, ...batch }, done: () => {} });
  await expect.poll(() => failures).toEqual([expect.objectContaining({ code: 'epoch_ended' })]);
  const ids = changes.map(({ id }) => id);
  expect(await db.query('SELECT id FROM state.image_courses WHERE id = ANY ($1::uuid[])', [ids])).toEqual([]);
});

test('who slept while partitions were begun anew reads on from where they stand, and nothing is staged of what was read before', async () => {
  const { db } = analytics;
  await db.query('TRUNCATE state.epoch, stream_progress RESTART IDENTITY');
  const beginEpoch = () => openProgressStore(db).beginEpoch('debezium', 'a server', 'a test');
  const [partitions, stream] = [openPartitionProgress(db), 'kafka:lms.public.courses:0'];
  await beginEpoch();
  await partitions.open([stream], 'cluster');
  await partitions.noteGap(stream, 'gone', { epoch: 1, applied: 0n });
  const epoch = await beginEpoch();
  await partitions.closeGap(stream, 4n, 'cluster');
  begin();
  const [gone, there] = [many(4, 'create'), many(1, 'create')];
  deliveries.next({ batch: { changes: gone, partitions: [{ stream, epoch: 1, applied: 900n }] }, done: () => {} });
  await expect.poll(() => deliveries.observed).toBe(false);
  await expect.poll(() => deliveries.observed, { timeout: 5_000 }).toBe(true);
  const batch = { changes: there, partitions: [{ stream, epoch, applied: 5n }] };
  deliveries.next({ batch, done: () => {} });
  await expect.poll(() => intake.staged).toBe(1);
  expect({ failures, trouble: intake.trouble }).toEqual({ failures: [], trouble: null });
  const ids = [...gone, ...there].map(({ id }) => id);
  expect(await db.query('SELECT id FROM state.image_courses WHERE id = ANY ($1::uuid[])', [ids])).toEqual([
    { id: there[0]?.id },
  ]);
  expect(await partitions.open([stream], 'cluster')).toMatchObject([{ epoch, applied: 5n }]);
});

test('so it is with a batch that is halved', async () => {
  const { db } = analytics;
  await db.query('TRUNCATE state.epoch, stream_progress RESTART IDENTITY');
  const stream = 'kafka:lms.public.courses:0';
  await openProgressStore(db).beginEpoch('debezium', 'a server', 'a test');
  await openPartitionProgress(db).open([stream], 'cluster');
  // It fails twice for a reason of its own; then its epoch is over.
  let failing = 2;
  const transaction: Database['transaction'] = async (whole) => {
    failing -= 1;
    if (failing >= 0) throw new Error('no fault of the database');
    await db.query('UPDATE stream_progress SET epoch = 2 WHERE stream = $1', [stream]);
    return db.transaction(whole);
  };
  begin({ db: { ...db, transaction } });
  const changes = many(4, 'create');
  deliveries.next({ batch: { changes, partitions: [{ stream, epoch: 1, applied: 9n }] }, done: () => {} });
  await expect.poll(() => deliveries.observed).toBe(false);
  const ids = changes.map(({ id }) => id);
  expect(await db.query('SELECT id FROM state.image_courses WHERE id = ANY ($1::uuid[])', [ids])).toEqual([]);
});

test('of a first snapshot, whose tables have no indexes yet, a batch that fails for a reason of its own is halved, too', async () => {
  const own = await createAnalyticsDatabase('intake_bare');
  const { db } = own;
  await openProgressStore(db).beginEpoch('pgoutput', 'a server', 'a test');
  let failing = 0;
  const loading: Database['loading'] = (whole) => {
    failing -= 1;
    return failing >= 0 ? Promise.reject(new Error('no fault of a value')) : db.loading(whole);
  };
  begin({ db: { ...db, loading } });
  const rows = many(6, 'read');
  const load = (changes: readonly AnyRowChange[]): void =>
    deliveries.next({
      batch: { changes, isPartOfSnapshot: true, of: { stream: 'pgoutput', epoch: 1 } },
      done: () => {},
    });
  load(rows.slice(0, 2));
  await expect.poll(() => intake.staged).toBe(2);
  // The batch, its first half, and the first row of that, each twice.
  failing = 6;
  load(rows.slice(2));
  await expect.poll(() => ({ staged: intake.staged, failures })).toEqual({ staged: 6, failures: [] });
  const [rejected] = await db.query('SELECT reason, origin FROM rejected_change');
  expect(rejected).toEqual({ reason: 'internal_error', origin: `courses:${rows[2]?.id}` });
  expect(await db.query('SELECT FROM state.image_courses')).toHaveLength(6);
  await intake.stop();
  await own.drop();
});

test.each([
  ['28P01', 'password authentication failed for user "prepadata_writer"'],
  ['28000', 'no pg_hba.conf entry for host "10.0.0.1"'],
  ['3D000', 'database "prepadata" does not exist'],
  ['55000', 'database "prepadata" is not currently accepting connections'],
  ['CERT_HAS_EXPIRED', 'certificate has expired'],
  ['ERR_SSL_TLSV1_ALERT_UNKNOWN_CA', 'tlsv1 alert unknown ca'],
  [undefined, 'SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a non-empty string'],
])('a change that came while the database did not let us in (%s) is not to blame', async (code, message) => {
  let refusals = 2;
  const transaction: Database['transaction'] = async (whole) => {
    refusals -= 1;
    if (refusals >= 0) throw Object.assign(new Error(message), { code });
    return analytics.db.transaction(whole);
  };
  begin({ db: { ...analytics.db, transaction } });
  deliver([course('create')]);
  await expect.poll(() => done).toBe(1);
  expect(await analytics.db.query('SELECT * FROM rejected_change')).toEqual([]);
  expect({ failures, trouble: intake.trouble }).toEqual({ failures: [], trouble: null });
});

test('a login that is taken away while we run is waited for, in sight', async () => {
  const [user, password] = [`taken_away_${process.pid}`, 'taken-away'];
  await analytics.db.query(`CREATE ROLE ${user} SUPERUSER LOGIN PASSWORD '${password}'`);
  const db = openDatabase({ ...analytics.address, user, password }, { connections: 2, onIdleError: () => {} });
  try {
    begin({ db });
    deliver([course('create')]);
    await expect.poll(() => done).toBe(1);
    await analytics.db.query(`ALTER ROLE ${user} NOLOGIN`);
    await analytics.db.query('SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = $1', [user]);
    deliver([course('create')]);
    await expect.poll(() => intake.trouble).toMatch(/not permitted to log in/);
    await analytics.db.query(`ALTER ROLE ${user} LOGIN`);
    await expect.poll(() => done, { timeout: 10_000 }).toBe(2);
    expect({ failures, trouble: intake.trouble }).toEqual({ failures: [], trouble: null });
  } finally {
    await intake.stop();
    await db.close();
    await analytics.db.query(`DROP ROLE ${user}`);
  }
});
