import { pino } from 'pino';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { openLog } from '#libs/platform/log.ts';
import { type DatabaseAddress, isDatabaseFault, openDatabase } from '#libs/platform/postgres/database.ts';
import { listenForNotifications } from '#libs/platform/postgres/listen.ts';
import { refuseUselessPooler } from '#libs/platform/postgres/pooler.ts';
import { pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { openAnalytics } from '#libs/store/schema/open.ts';
import { MemoryProgress } from '../source/world.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';
import {
  isWithoutPgBouncer,
  PASSES_REPLICATION,
  type PgBouncer,
  startPgBouncer,
  TRACKS_STATEMENTS,
} from '../support/pgbouncer.ts';

const NEVER = new AbortController().signal;
let database: TestDatabase;
const bouncers: PgBouncer[] = [];

beforeAll(async () => {
  database = await createSourceDatabase('pooler');
  return async () => {
    await database.drop();
  };
});
afterEach(async () => {
  for (const bouncer of bouncers.splice(0)) await bouncer.stop();
});

async function behind(settings: Record<string, string | number>): Promise<DatabaseAddress> {
  const bouncer = await startPgBouncer(database.address, settings);
  bouncers.push(bouncer);
  return bouncer.address;
}

const analytics = (address: DatabaseAddress) =>
  openAnalytics(address, { name: 'test', role: 'owner', log: openLog('silent'), signal: NEVER, connections: 3 });

/** How following this source ends: with an error, or at the end of its snapshot. */
const followed = (address: DatabaseAddress): Promise<unknown> =>
  new Promise((resolve) => {
    const slotPrefix = `pooler_${process.pid}`;
    const source = pgoutputSource({ address, progress: new MemoryProgress(), slotPrefix, slotLimit: 'none' });
    const following = source.deliveries().subscribe({
      next: ({ batch, done }) => {
        done();
        if (batch.snapshotCompleted === undefined) return;
        following.unsubscribe();
        resolve(batch.snapshotCompleted);
      },
      error: resolve,
    });
  });

test('a server itself is no pooler', async () => {
  await expect(refuseUselessPooler(database.address, 'the database', NEVER)).resolves.toBeUndefined();
});

describe.skipIf(isWithoutPgBouncer)('PgBouncer', () => {
  describe.each([
    { pool_mode: 'transaction' },
    { pool_mode: 'transaction', server_round_robin: 1 },
    { pool_mode: 'transaction', default_pool_size: 1 },
    { pool_mode: 'statement' },
  ])('that shares sessions is refused by name: %j', (settings) => {
    const refusal = {
      name: 'ConfigurationError',
      message: expect.stringMatching(
        /a connection pooler .* before the .* database 127.*transaction or statement pooling/,
      ),
      hint: expect.stringContaining('pool_mode = session'),
    };

    test('before the analytics database, and leaves no setting of ours in it', async () => {
      const address = await behind(settings);
      await expect(analytics(address)).rejects.toMatchObject(refusal);
    });

    test('before the source', async () => {
      expect(await followed(await behind(settings))).toMatchObject(refusal);
    });
  });

  test('that shares sessions, while others use them as well', async () => {
    const address = await behind({ pool_mode: 'transaction', default_pool_size: 5 });
    const others = Array.from({ length: 8 }, () => openDatabase(address, { connections: 1, onIdleError: () => {} }));
    const stop = new AbortController();
    const busy = others.map(async (db) => {
      while (!stop.signal.aborted) await db.query('SELECT pg_sleep(random() / 200)').catch(() => {});
    });
    for (let n = 0; n < 10; n += 1) {
      await expect(refuseUselessPooler(address, 'it', NEVER)).rejects.toMatchObject({ name: 'ConfigurationError' });
    }
    stop.abort();
    await Promise.all(busy);
    for (const db of others) await db.close();
  });

  test('that hands sessions on uncleared', async () => {
    const address = await behind({ pool_mode: 'session', server_reset_query: '' });
    await expect(analytics(address)).rejects.toMatchObject({
      name: 'ConfigurationError',
      hint: expect.stringContaining('server_reset_query = DISCARD ALL'),
    });
  });

  test('a prepared statement of somebody else is a fault of the session, and says what is behind it', async () => {
    const untracked = TRACKS_STATEMENTS ? { max_prepared_statements: 0 } : {};
    const address = await behind({ pool_mode: 'transaction', default_pool_size: 1, ...untracked });
    const [one, other] = [openDatabase(address, { connections: 1 }), openDatabase(address, { connections: 1 })];
    const statement = { name: 'test/one', text: 'SELECT 1 AS one' };
    await one.query(statement);
    const error = await other.query(statement).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: 'ConfigurationError', message: expect.stringContaining('not ours alone') });
    expect(isDatabaseFault(error)).toBe(true);
    await one.close();
    await other.close();
  });

  describe('of sessions', () => {
    test('before the analytics database is as good as the server: locks, notifications, statements, settings', async () => {
      const address = await behind({ pool_mode: 'session' });
      const db = await analytics(address);
      const heard: string[] = [];
      const log = pino({ level: 'silent' });
      const listener = listenForNotifications({
        address,
        channel: 'news',
        log,
        onMessage: (payload) => heard.push(payload),
      });
      await expect.poll(() => heard).toEqual(['']);
      await db.query(`NOTIFY news, 'x'`);
      await expect.poll(() => heard).toEqual(['', 'x']);
      const session = await db.session();
      const lock = 'SELECT pg_try_advisory_lock(7, 7) AS got';
      expect(await session.query(lock)).toEqual([{ got: true }]);
      expect(await db.query(lock)).toEqual([{ got: false }]);
      session.close();
      await expect.poll(() => db.query(lock)).toEqual([{ got: true }]);
      expect(await db.query(`SELECT current_setting('timezone') AS zone`)).toEqual([{ zone: 'UTC' }]);
      await listener.stop();
      await db.close();
    });

    test('before the source is refused by name where it passes no replication on, as before its version 1.23', async () => {
      const refusal = {
        name: 'ConfigurationError',
        message: expect.stringMatching(/a connection pooler stands before the source database 127.*no replication/),
        hint: expect.stringContaining('SOURCE_DB_HOST'),
      };
      const ended = await followed(await behind({ pool_mode: 'session' }));
      expect(ended).toMatchObject(PASSES_REPLICATION ? { epoch: 1 } : refusal);
    });

    test.each([
      ['ANALYTICS_DB_NAME', 'no such database', { database: 'nowhere' }],
      ['ANALYTICS_DB_USER', 'authentication failed', { user: 'stranger' }],
      ['ANALYTICS_DB_PASSWORD', 'authentication failed', { password: 'wrong' }],
    ])('that refuses us: %s, %s', async (setting, said, wrong) => {
      const address = { ...(await behind({ pool_mode: 'session' })), ...wrong };
      const refusal = { name: 'ConfigurationError', message: expect.stringContaining(said) };
      await expect(analytics(address)).rejects.toMatchObject({ ...refusal, hint: expect.stringContaining(setting) });
      expect(await followed(address)).toMatchObject(refusal);
    });

    test('whose server is away, or whose sessions are all taken, is waited for', async () => {
      const address = await behind({ pool_mode: 'session', default_pool_size: 1 });
      const other = openDatabase(address, { connections: 1 });
      await other.query('SELECT 1');
      const waits: string[] = [];
      const stop = new AbortController();
      const db = openAnalytics(address, {
        name: 'test',
        role: 'owner',
        log: openLog('silent'),
        signal: stop.signal,
        onWaiting: (sentence) => waits.push(sentence),
      });
      await expect.poll(() => waits.length).toBeGreaterThan(0);
      expect(waits[0]).toMatch(/does not answer \(Query read timeout\)/);
      stop.abort();
      await (await db).close();
      await other.close();
    });
  });
});
