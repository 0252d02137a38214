import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, test } from 'vitest';
import { parseLsn } from '#libs/domain/position.ts';
import { freePort } from '#libs/platform/embedded-postgres/embedded.ts';
import { startForwarder } from '../api/forwarder.ts';
import { addStudents, agreed, gate, one, open, streaming, useReaders, warnings, world } from './readers.ts';
import { eventually } from './stage.ts';

useReaders();

/** Our connections to this database, as the server counts them. */
const connections = (): Promise<number | undefined> =>
  one<number>(
    `SELECT count(*)::int AS value FROM pg_stat_activity
      WHERE datname = current_database() AND application_name LIKE 'prepadata%'`,
  );

const confirmed = async (): Promise<bigint> => {
  const sql = `SELECT confirmed_flush_lsn::text AS value FROM pg_replication_slots
                WHERE slot_name LIKE '${world.slotPrefix}\\_%'`;
  return parseLsn((await one<string>(sql)) ?? '0/0');
};

const end = (purpose: string): Promise<unknown> =>
  world.database.db.query(
    `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND application_name = 'prepadata ${purpose}'`,
  );

describe('a connection that breaks', () => {
  test('in the middle of a batch: the batch ends first, then all goes on, and nothing is lost', async () => {
    const hold = gate();
    let held = false;
    const { reader, source } = open({ maxBatch: 5 }, async (batch) => {
      if (batch.changes[0]?.op === 'create' && !held) {
        held = true;
        await hold.wait;
      }
      return 'done' as const;
    });
    await streaming(source);
    await addStudents(12);
    await addStudents(3);
    await eventually(() => held).toBe(true);
    await end('stream');
    await addStudents(4);
    await eventually(() => source.status()).toMatchObject({
      state: 'waiting',
      detail: expect.stringMatching(/; the batch under way ends first$/),
    });
    const before = reader.deliveries.length;
    await sleep(100);
    expect(reader.deliveries.length).toBe(before);
    hold.open();
    await agreed();
    // Even a part of a transaction carries its epoch.
    for (const { of, progress } of reader.deliveries) expect(of ?? progress).toMatchObject({ epoch: 1 });
    expect(warnings).toEqual([expect.stringMatching(/does not answer: .*; trying again in 100 ms/)]);
    expect(world.progress.reasons.length).toBe(1);
  });

  test('the one that holds the lock: the stream goes too, and both come back', async () => {
    const { source } = open();
    await streaming(source);
    await end('control');
    await eventually(() => warnings.length).toBe(1);
    await addStudents(2);
    await agreed();
    await streaming(source);
    expect(await connections()).toBe(2);
  });

  test('during the initial snapshot: a new epoch', async () => {
    await addStudents(50);
    let broken = false;
    const { reader } = open({ maxBatch: 5 }, async (batch) => {
      if (batch.changes.length > 0 && !broken) {
        broken = true;
        await end('control');
      }
      return 'done' as const;
    });
    await eventually(() => reader.error ?? world.progress.stored).toMatchObject({ epoch: 2, phase: 'streaming' });
    await agreed();
    expect(reader.error).toBeUndefined();
  });
});

describe('what is away', () => {
  test('a server that is not there is waited for, in sight', async () => {
    const port = await freePort();
    const address = { ...world.database.address, port };
    const { reader, source } = open({ address });
    await eventually(() => source.status().state).toBe('waiting');
    expect(source.status().detail).toMatch(new RegExp(`127\\.0\\.0\\.1:${port}/\\w+ does not answer: .*ECONNREFUSED`));
    await eventually(() => warnings.length).toBeGreaterThan(2);
    expect(warnings.slice(0, 3).map((warning) => /in (\d+) ms/.exec(warning)?.[1])).toEqual(['100', '200', '400']);
    expect(reader.error).toBeUndefined();
  });

  test('a connection that leads nowhere any more, and says nothing of it, is made anew', async () => {
    const forwarder = await startForwarder(world.database.address);
    const { source } = open({ address: { ...world.database.address, host: '127.0.0.1', port: forwarder.port } });
    await streaming(source);
    forwarder.freeze();
    await addStudents(2);
    await expect.poll(() => source.status().state, { timeout: 60_000 }).toBe('waiting');
    expect(warnings[0]).toBe('the source server has not answered for 10 s; connecting anew; trying again in 100 ms');
    await forwarder.fix();
    await agreed();
    await streaming(source);
    await forwarder.cut();
  });

  test('a stream that leads nowhere any more, while the other connection does, is made anew', async () => {
    const name = world.database.address.database;
    await world.database.db.query(`ALTER DATABASE "${name}" SET wal_sender_timeout = '1500ms'`);
    const forwarder = await startForwarder(world.database.address);
    const { source } = open({ address: { ...world.database.address, host: '127.0.0.1', port: forwarder.port } });
    await streaming(source);
    forwarder.freeze('stream');
    await addStudents(2);
    await expect.poll(() => warnings.length, { timeout: 60_000 }).toBe(1);
    expect(warnings[0]).toMatch(/^the source server no longer sends what is in the slot \w+; connecting anew; trying/);
    await agreed();
    await streaming(source);
    await forwarder.cut();
  });

  test('an analytics database that is not there is waited for too', async () => {
    world.progress.failure = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    const { source } = open();
    await eventually(() => source.status().state).toBe('waiting');
    expect(source.status().detail).toMatch(/^the analytics database, which keeps the progress, does not answer/);
    world.progress.failure = undefined;
    await streaming(source);
  });
});

describe('confirmation', () => {
  test('only after done(), and exactly what is stored', async () => {
    const hold = gate();
    const { source } = open({ idleEvery: 3_600_000 }, async (batch) => {
      if (batch.changes[0]?.op === 'create') await hold.wait;
      return 'done' as const;
    });
    await streaming(source);
    const before = world.progress.stored?.applied ?? 0n;
    await addStudents();
    await sleep(300);
    expect(await confirmed()).toBe(before);
    hold.open();
    await agreed();
    const stored = world.progress.stored?.applied ?? 0n;
    expect(stored).toBeGreaterThan(before);
    // One byte more would skip a transaction whose commit record starts there.
    await eventually(async () => (await confirmed()) === world.progress.stored?.applied).toBe(true);
  });

  test('two commits that touch: a restart after the first brings the second', async () => {
    // Whether the two arrive in one batch or in two is a matter of timing: repeated until they are split.
    let restarts = 0;
    const opening = open();
    await streaming(opening.source);
    opening.reader.stop();
    for (let round = 0; round < 10 || (restarts === 0 && round < 300); round += 1) {
      const [early, late] = [randomUUID(), randomUUID()];
      const delivered = gate();
      const { reader } = open({}, (batch) => {
        const ids = batch.changes.map((change) => ('id' in change ? change.id : ''));
        if (!ids.includes(late)) return 'done';
        delivered.open();
        if (ids.includes(early)) return 'done';
        restarts += 1;
        return 'die before commit';
      });
      const [first, second] = [await world.begin(), await world.begin()];
      await first.insert('students', [{ id: early }]);
      await second.insert('courses', [{ id: late }]);
      await Promise.all([first.commit(), second.commit()]);
      await delivered.wait;
      await sleep(5);
      reader.stop();
    }
    expect(restarts).toBeGreaterThan(0);
    open();
    await agreed();
    expect(world.progress.reasons.length).toBe(1);
  });
});

describe('progress without changes', () => {
  test('traffic of others moves it on, in batches without changes', async () => {
    const { reader, source } = open({ idleEvery: 200 });
    await streaming(source);
    await world.database.db.query('CREATE TABLE other (n int)');
    const before = await confirmed();
    const count = reader.deliveries.length;
    const started = performance.now();
    for (let index = 0; index < 20; index += 1) {
      await world.database.db.query('INSERT INTO other SELECT generate_series(1, 100)');
      await sleep(30);
    }
    await eventually(confirmed).toBeGreaterThan(before);
    const told = reader.deliveries.slice(count);
    expect(told.every((batch) => batch.changes.length === 0 && batch.progress !== undefined)).toBe(true);
    expect(told.length).toBeLessThanOrEqual(2 + (performance.now() - started) / 200);
    expect(source.status().lagBytes).toBeGreaterThanOrEqual(0n);
    await eventually(async () => (await confirmed()) === world.progress.stored?.applied).toBe(true);
  });

  test('a marker message is told at once', async () => {
    const { source } = open({ idleEvery: 3_600_000 });
    await streaming(source);
    await world.database.db.query(`SELECT pg_logical_emit_message(true, 'somebody else', 'x')`);
    const marker = await one<string>(`SELECT pg_logical_emit_message(true, 'prepadata', 'x')::text AS value`);
    await eventually(() => world.progress.stored?.applied).toBeGreaterThanOrEqual(parseLsn(marker ?? '0/0'));
  });
});

describe('a slow reader', () => {
  test('is not given up by the server, although its socket is paused, and gets everything in the end', async () => {
    const name = world.database.address.database;
    await world.database.db.query(`ALTER DATABASE "${name}" SET wal_sender_timeout = '1500ms'`);
    const hold = gate();
    let held = false;
    const { reader, source } = open({ maxBatch: 10 }, async (batch) => {
      if (batch.changes[0]?.op === 'create' && !held) {
        held = true;
        await hold.wait;
      }
      return 'done' as const;
    });
    await streaming(source);
    await addStudents(20_000);
    await eventually(() => held).toBe(true);
    await sleep(4_000);
    hold.open();
    // Comparing so many rows would itself block the process.
    await eventually(() => reader.changes.length).toBe(20_000);
    expect(warnings).toEqual([]);
  });
});

/** Well below the minute after which the server ends a connection that nobody answers. */
const SOON = { timeout: 30_000, interval: 10 };

describe('an unsubscribe closes every connection', () => {
  test('while following', async () => {
    const { reader, source } = open();
    await streaming(source);
    reader.stop();
    await expect.poll(connections, SOON).toBe(0);
    expect(source.status().state).toBe('stopped');
  });

  test('in the middle of an initial snapshot', async () => {
    await addStudents(100);
    const { reader } = open({ maxBatch: 5 }, (batch) => (batch.changes.length > 0 ? 'die before done' : 'done'));
    await reader.ended;
    await expect.poll(connections, SOON).toBe(0);
  });

  test('while the server waits for others before it makes the slot, and the slot is not made after all', async () => {
    const busy = await world.begin();
    await busy.insert('students', [{ id: randomUUID() }]);
    const { reader, source } = open();
    await eventually(() => source.status().detail).toMatch(/waits for the transactions/);
    await sleep(100);
    expect(await connections()).toBeGreaterThan(1);
    reader.stop();
    await expect.poll(connections, SOON).toBe(0);
    await busy.commit();
    await sleep(100);
    expect(
      await one(`SELECT slot_name AS value FROM pg_replication_slots WHERE slot_name LIKE '${world.slotPrefix}%'`),
    ).toBe(undefined);
  });

  test('at once after the subscribe', async () => {
    const { reader } = open();
    reader.stop();
    await sleep(200);
    expect(await connections()).toBe(0);
    expect(reader.deliveries).toEqual([]);
  });
});
