import { type AddressInfo, createServer, Socket } from 'node:net';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { isDatabaseFault, openDatabase, type Queryable } from '#libs/platform/postgres/database.ts';
import { sleep } from '#libs/platform/retry.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let postgres: TestDatabase;
beforeAll(async () => {
  postgres = await createTestDatabase('transaction', 2);
});
afterAll(() => postgres.drop());

test('of statements given together each says why the first one failed, whichever is heard of first', async () => {
  const given = postgres.db.transaction(async (tx) => {
    const [first, second] = [tx.query(`SELECT pg_sleep(0.1), 'x'::numeric`), tx.query('SELECT 2')];
    first.catch(() => {});
    await second;
  });
  await expect(given).rejects.toMatchObject({ code: '22P02' });
});

test('a deadlock is a fault of the database to every statement given with the one that met it', async () => {
  const late = postgres.db.transaction(async (tx) => {
    const all = [tx.query(`DO $$ BEGIN RAISE deadlock_detected; END $$`), tx.query('SELECT 2'), tx.query('SELECT 3')];
    await Promise.allSettled(all);
    await all.at(-1);
  });
  await expect(late).rejects.toSatisfy(isDatabaseFault);
});

test('what goes on after the work is over speaks in nobody else’s transaction', async () => {
  const parts: Promise<string>[] = [];
  const late = (tx: Queryable): Promise<string> =>
    tx
      .query('SELECT pg_sleep(0.2)')
      .then(() => tx.query('CREATE TABLE of_nobody ()'))
      .then(
        () => 'taken',
        () => 'refused',
      );
  const failed = postgres.db.transaction((tx) => {
    parts.push(late(tx));
    return Promise.reject(new Error('told apart'));
  });
  await expect(failed).rejects.toThrow('told apart');
  await postgres.db.transaction((tx) => {
    parts.push(late(tx));
    return Promise.resolve();
  });
  expect(await Promise.all(parts)).toEqual(['refused', 'refused']);
  expect(await postgres.db.query("SELECT to_regclass('of_nobody') AS found")).toEqual([{ found: null }]);
});

test('a transaction that goes on after a failure is told of it again', async () => {
  const stubborn = postgres.db.transaction(async (tx) => {
    await tx.query('SELECT 1 / 0').catch(() => {});
    await tx.query('SELECT 1');
  });
  await expect(stubborn).rejects.toMatchObject({ code: '22012' });
});

test('a failure that was taken back to a savepoint is not told instead of the next one', async () => {
  const recovered = postgres.db.transaction(async (tx) => {
    await tx.query('SAVEPOINT before');
    await tx.query('SELECT 1 / 0').catch(() => {});
    await tx.query('ROLLBACK TO SAVEPOINT before');
    const [, second] = [tx.query(`SELECT 'x'::numeric`).catch(() => {}), tx.query('SELECT 2')];
    await second;
  });
  await expect(recovered).rejects.toMatchObject({ code: '22P02' });
});

test('a connection that is lost while nothing is asked of it is a fault of the database to the next statement', async () => {
  const cut = postgres.db.transaction(async (tx) => {
    const [own] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    await postgres.db.query('SELECT pg_terminate_backend($1)', [own?.pid ?? 0]);
    await sleep(200);
    await tx.query('SELECT 1');
  });
  await expect(cut).rejects.toSatisfy(isDatabaseFault);
});

const error = (fields: string): string => {
  const length = Buffer.alloc(4);
  length.writeInt32BE(4 + fields.length);
  return `E${length.toString('latin1')}${fields}`;
};

test.for([
  [
    'before encryption, as a server without memory for another process',
    'Ecould not fork new process for connection: Cannot allocate memory\n\0',
    { rejectUnauthorized: false },
  ],
  [
    'with a code that tells of values elsewhere, as some poolers',
    error('SFATAL\0CXX000\0Mmax clients reached\0\0'),
    undefined,
  ],
] as const)('whatever a server says to a login is a fault of the database: %s', async ([, said, ssl]) => {
  const server = createServer((socket) => socket.once('data', () => socket.end(said, 'latin1')));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const db = openDatabase({ ...postgres.address, port, ...(ssl && { ssl }) });
  const failures = [db.query('SELECT 1'), db.transaction((tx) => tx.query('SELECT 1')), db.loading(async () => {})];
  for (const failure of await Promise.allSettled(failures))
    expect(failure).toMatchObject({ status: 'rejected', reason: expect.toSatisfy(isDatabaseFault) });
  await db.close();
  server.close();
});

test('statements given in one turn leave in one piece', async () => {
  const pieces = [vi.spyOn(Socket.prototype, '_writev'), vi.spyOn(Socket.prototype, '_write')];
  const sent = (): number => pieces.reduce((sum, { mock }) => sum + mock.calls.length, 0);
  try {
    await postgres.db.transaction(async (tx) => {
      await Promise.all([tx.query('SELECT 1'), tx.query('SELECT $1::integer', [2]), tx.query('SELECT 3')]);
      expect(sent()).toBe(1);
    });
    expect(sent()).toBe(2);
  } finally {
    for (const piece of pieces) piece.mockRestore();
  }
});

test('what is given to the commit travels with it, and its failure is told', async () => {
  const pieces = [vi.spyOn(Socket.prototype, '_writev'), vi.spyOn(Socket.prototype, '_write')];
  await postgres.db.query('CREATE TABLE with_commit (n integer)');
  for (const { mock } of pieces) mock.calls.length = 0;
  await postgres.db.transaction(async (tx) => {
    tx.withCommit(tx.query('INSERT INTO with_commit VALUES (1)'));
  });
  expect(pieces.reduce((sum, { mock }) => sum + mock.calls.length, 0)).toBe(1);
  for (const piece of pieces) piece.mockRestore();
  expect(await postgres.db.query('SELECT n FROM with_commit')).toEqual([{ n: 1 }]);
  const failing = postgres.db.transaction(async (tx) => {
    await tx.query('INSERT INTO with_commit VALUES (2)');
    tx.withCommit(tx.query('INSERT INTO with_commit SELECT 1 / 0'));
  });
  await expect(failing).rejects.toMatchObject({ code: '22012' });
  expect(await postgres.db.query('SELECT n FROM with_commit')).toEqual([{ n: 1 }]);
  await postgres.db.loading(async (tx) => {
    tx.withCommit(tx.query('INSERT INTO with_commit VALUES (3)'));
  });
  expect(await postgres.db.query('SELECT count(*) FROM with_commit')).toEqual([{ count: 2n }]);
});
