import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { copyOut, lineOf } from '#libs/platform/postgres/copy.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';

let world: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  world = await createTestDatabase('copy');
  client = new pg.Client({ ...world.address });
  await client.connect();
  await world.db.query('CREATE TABLE copied (n integer PRIMARY KEY, text text)');
});
afterAll(async () => {
  await client.end();
  await world.drop();
});

const COPY = { name: 'test/copy', text: 'COPY copied (n, text) FROM STDIN' };
const TEXTS = [
  'plain',
  '',
  null,
  '\\N',
  '\\.',
  '\\',
  '\\\\n',
  'a\tb\nc\rd\be\ff\vg',
  '\n',
  'Prüfung 数学 🎓 \uFFFF\uFEFF',
  'x'.repeat(300_000),
  'after what is longer than any piece',
];

const allOf = async (select: string): Promise<(string | null)[]> => {
  const texts: (string | null)[] = [];
  for await (const rows of copyOut(client, select)) texts.push(...rows.map(([text = null]) => text));
  return texts;
};

test('what comes in by COPY goes out by COPY, and is what a statement would have written', async () => {
  const lines = TEXTS.map((text, n) => lineOf([n, text]));
  await world.db.loading((tx) => tx.copyIn(COPY, lines));
  const stored = await world.db.query<{ text: string | null }>('SELECT text FROM copied ORDER BY n');
  expect(stored.map(({ text }) => text)).toEqual(TEXTS);
  expect(await allOf('SELECT text FROM copied ORDER BY n')).toEqual(TEXTS);
});

test('every row comes out, wherever the pieces of the network end', async () => {
  const select = "SELECT n || repeat('é', n % 97) FROM generate_series(1, 30000) AS n";
  const { rows } = await client.query<{ text: string }>(`SELECT text FROM (${select}) AS made (text)`);
  expect(await allOf(select)).toEqual(rows.map(({ text }) => text));
});

test('of nothing comes nothing', async () => {
  expect(await allOf('SELECT 1 WHERE false')).toEqual([]);
  await world.db.loading((tx) => tx.copyIn(COPY, []));
});

test('an error of the server on the way out is heard, and the connection goes on', async () => {
  await expect(allOf('SELECT 1 / (5000 - n) FROM generate_series(1, 9000) AS n')).rejects.toThrow('division by zero');
  expect(await allOf('SELECT 1')).toEqual(['1']);
});

const count = async (): Promise<unknown> =>
  (await world.db.query('SELECT count(*)::integer AS rows FROM copied WHERE n >= 1000'))[0];

test('lines that the server refuses undo the transaction, and the connection goes on', async () => {
  const bad = [lineOf([1_000, 'good']), lineOf([1_000, 'the same once more'])];
  await expect(world.db.loading((tx) => tx.copyIn(COPY, bad))).rejects.toThrow('duplicate key');
  await expect(world.db.loading((tx) => tx.copyIn(COPY, ['no line\n']))).rejects.toThrow('invalid input syntax');
  await expect(
    world.db.loading((tx) => tx.copyIn({ ...COPY, text: 'COPY no_such FROM STDIN' }, ['\n'])),
  ).rejects.toThrow('does not exist');
  expect(await count()).toEqual({ rows: 0 });
});

test('lines that cannot be made undo the transaction, and the connection goes on', async () => {
  function* lines(): Iterable<string> {
    for (let n = 1_000; n < 9_000; n += 1) yield lineOf([n, 'x'.repeat(200)]);
    throw new RangeError('no line can be made of this');
  }
  await expect(world.db.loading((tx) => tx.copyIn(COPY, lines()))).rejects.toThrow('no line can be made of this');
  expect(await count()).toEqual({ rows: 0 });
  await world.db.loading((tx) => tx.copyIn(COPY, [lineOf([1_000, 'good'])]));
  expect(await count()).toEqual({ rows: 1 });
});

test('statements that are given together travel one after the other where rows are loaded, without a warning', async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on('warning', onWarning);
  const answers = await world.db.loading((tx) =>
    Promise.all([tx.query('SELECT 1 AS n'), tx.query('SELECT 2 AS n'), tx.query('SELECT 3 AS n')]),
  );
  const failed = world.db.loading((tx) => Promise.all([tx.query('SELECT 1 / 0'), tx.query('SELECT 2')]));
  await expect(failed).rejects.toThrow('division by zero');
  await new Promise((resolve) => setImmediate(resolve));
  process.off('warning', onWarning);
  expect(answers).toEqual([[{ n: 1 }], [{ n: 2 }], [{ n: 3 }]]);
  expect(warnings).toEqual([]);
});

test('a connection that ends while lines are sent is a fault of the database', async () => {
  function* lines(): Iterable<string> {
    for (let n = 10_000; ; n += 1) yield lineOf([n, 'x'.repeat(5_000)]);
  }
  const broken = world.db.loading(async (tx) => {
    const [own] = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
    setTimeout(() => void world.db.query('SELECT pg_terminate_backend($1)', [own?.pid ?? 0]), 50);
    await tx.copyIn(COPY, lines());
  });
  await expect(broken).rejects.toThrow(/terminat|ended|EPIPE|ECONNRESET/);
  await world.db.loading((tx) => tx.copyIn(COPY, [lineOf([10_000, 'good'])]));
});
