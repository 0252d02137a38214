import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { analyticsAddress, loadConfig } from '#libs/platform/config/config.ts';
import type { EmbeddedPostgres } from '#libs/platform/embedded-postgres/embedded.ts';
import { type Database, openDatabase } from '#libs/platform/postgres/database.ts';
import { grantsSql } from '#libs/source/postgres/remedies.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { makeHostile } from '../support/hostile.ts';
import { NOTHING } from '../support/nothing.ts';
import { isLeftOut, POSTGRES_VERSIONS, type PostgresVersion, startPostgres } from '../support/postgres-versions.ts';
import { SOURCE_SCHEMA } from '../support/source-schema.ts';
import { statementsOf } from '../support/sql-script.ts';
import { differencesOf } from './equal.ts';
import { WRITES } from './load.ts';
import { newDataDir, Program, runCommand } from './program.ts';

/*
 * Follows the chapter "Your own LMS" of connectors/README.md to the letter on somebody else's server: its SQL and its exports are read
 * from the page itself. Only the address and time zone differ, which the page tells the reader to set; and somebody has given the roles
 * that it makes every setting that a session must not depend on.
 */

const ROOT = path.resolve(import.meta.dirname, '../..');
const chapter =
  /## Your own LMS\n([\s\S]*?)\n## /.exec(readFileSync(path.join(ROOT, 'connectors/README.md'), 'utf8'))?.[1] ?? '';
const blocks = (language: string): string[] =>
  [...chapter.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1] ?? '');
const sourceSql = readFileSync(path.join(ROOT, 'connectors/source.sql'), 'utf8');

async function onServer<T>(
  server: EmbeddedPostgres,
  database: string,
  work: (admin: Database) => Promise<T>,
): Promise<T> {
  const db = openDatabase(server.admin(database), { connections: 1 });
  try {
    return await work(db);
  } finally {
    await db.close();
  }
}

const asSuperuser = (server: EmbeddedPostgres, database: string, texts: readonly string[]): Promise<void> =>
  onServer(server, database, async (admin) => {
    for (const text of texts) await admin.query(text);
  });

/** Beyond what a load writes: values that are not sent whole, rows that go away with others, and a table that is emptied. */
const LATER_WRITES = [
  `UPDATE activity_logs SET metadata = jsonb_build_object('due_at', '2026-02-30', 'noise', (SELECT string_agg(md5(n::text), '')
     FROM generate_series(1, 200) AS n)) WHERE id IN (SELECT id FROM activity_logs ORDER BY id LIMIT 2)`,
  `UPDATE activity_logs SET duration_seconds = 77 WHERE id IN (SELECT id FROM activity_logs ORDER BY id LIMIT 2)`,
  'UPDATE grades SET id = gen_random_uuid() WHERE id IN (SELECT id FROM grades ORDER BY id LIMIT 2)',
  'DELETE FROM students WHERE id IN (SELECT student_id FROM enrollments ORDER BY id LIMIT 1)',
  'TRUNCATE enrollments',
];

/** Runs the nightly reconcile now. */
async function reconcile({ url }: Program): Promise<unknown> {
  const answer = await fetch(`${url}/api/pipeline/trigger?wait=true`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ mode: 'reconcile' }),
  });
  return answer.json();
}

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string; readonly required?: boolean }[];
  readonly responses: Record<string, { content?: object }>;
}

/**
 * Every route that answers with JSON, called for the first student and course. Left out: the erased, since nobody was erased; and
 * explanations, since the first student need not be in the first course.
 */
async function routes(program: Program): Promise<string[]> {
  const { body } = await program.get('/openapi.json');
  const { paths } = body as { paths: Record<string, { get?: Operation }> };
  return Object.entries(paths)
    .filter(
      ([route, { get }]) =>
        'application/json' in (get?.responses['200']?.content ?? {}) && !/erase|explain/.test(route),
    )
    .map(([route, { get }]) => {
      const asked = get?.parameters?.filter((each) => each.in === 'query' && each.required === true) ?? [];
      return `${route.replaceAll(/\{\w+\}/g, '1')}?${asked.map(({ name }) => `${name}=1`).join('&')}`;
    });
}

/** What the page exports, with the address of the test's server. */
function exported(server: EmbeddedPostgres): Record<string, string> {
  const [block = ''] = blocks('sh').filter((text) => text.includes('npm start'));
  const pairs = [...block.matchAll(/([A-Z_]+)=(\S+)/g)].map((match): [string, string] => [
    match[1] ?? '',
    match[2] ?? '',
  ]);
  const { port } = server.admin('postgres');
  return { ...Object.fromEntries(pairs), SOURCE_DB_PORT: String(port), ANALYTICS_DB_PORT: String(port) };
}

for (const version of POSTGRES_VERSIONS) {
  describe.skipIf(isLeftOut(version))(`Postgres ${version}`, () => onVersion(version));
}

/**
 * Which tables and columns the reader may read or is sent: neither the platforms' tokens, which stand beside them, nor
 * people's addresses.
 */
const granted = async (admin: Database, version: PostgresVersion): Promise<object> => {
  const rows = await admin.query<{ name: string; columns: string[] }>(
    `SELECT c.relname AS name, array_agg(a.attname::text ORDER BY a.attnum) AS columns
       FROM pg_class AS c
       JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
       LEFT JOIN pg_publication_tables AS p ON p.schemaname = 'public' AND p.tablename = c.relname
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r'
        AND (has_column_privilege('prepadata_reader', c.oid, a.attnum, 'SELECT') ${
          // Postgres 14 sends whole rows.
          version >= 15 ? 'OR a.attname = ANY (p.attnames)' : 'OR p.tablename IS NOT NULL AND a.attnum = 1'
        })
      GROUP BY c.relname`,
  );
  return Object.fromEntries(rows.map(({ name, columns }) => [name, columns.toSorted()]));
};

const NEEDED = Object.fromEntries(
  sourceNames().tables.map(({ name, columns }) => [name, columns.map((column) => column.name).toSorted()]),
);

function onVersion(version: PostgresVersion): void {
  let program: Program;
  let server: EmbeddedPostgres;
  const start = (): Promise<EmbeddedPostgres> => {
    const folder = path.join(path.dirname(program.dataDir), 'server');
    return startPostgres(version, { folder, settings: { fsync: 'off' } });
  };

  beforeAll(async () => {
    program = new Program(newDataDir());
    server = await start();
  });
  afterAll(async () => {
    await program.stop();
    await server?.stop();
    await program.cleanUp();
  });

  test('the chapter, from an empty Postgres to features that equal the oracle, and away again', async () => {
    await server.ensureDatabase('lms');
    // As a role of the school's own, which is not a superuser.
    const lms = openDatabase(server.address('lms'), { connections: 2 });
    for (const statement of statementsOf(SOURCE_SCHEMA)) await lms.query(statement);
    await seedCampus(lms, { seed: '5', now: Date.now(), students: 20 });
    await lms.close();

    const [level = '', featuresDatabase = ''] = blocks('sql');
    await asSuperuser(server, 'lms', statementsOf(level));
    await server.stop();
    server = await start();
    await asSuperuser(server, 'lms', statementsOf(sourceSql));
    for (const statement of statementsOf(featuresDatabase)) await asSuperuser(server, 'lms', [statement]);

    expect(await onServer(server, 'lms', (admin) => granted(admin, version))).toEqual(NEEDED);
    await onServer(server, 'lms', (admin) => makeHostile(admin, 'prepadata_reader', 'lms'));
    await onServer(server, 'lms', (admin) => makeHostile(admin, 'prepadata_features'));

    const env = exported(server);
    await program.start(env).untilReady();
    const features = analyticsAddress(loadConfig(env));
    if (features === undefined) throw new Error('the page exports no address of the analytics database');
    expect(program.servers()).toEqual([]);
    for (const text of [...WRITES, ...LATER_WRITES]) await asSuperuser(server, 'lms', [text]);
    const settings = { atLeast: 15, institution_timezone: 'Europe/Paris' };
    expect(await differencesOf(server.admin('lms'), server.admin(features.database), settings)).toEqual([]);
    expect(await reconcile(program)).toMatchObject({ status: 'succeeded', verdict: { kinds: NOTHING } });
    const asked = await routes(program);
    expect(asked.length).toBeGreaterThan(10);
    for (const route of asked) expect(await program.get(route)).toMatchObject({ status: 200 });
    expect(await program.get('/api/ready')).toMatchObject({
      status: 200,
      body: { status: 'ready', source: { slot: { name: 'prepadata_1' } } },
    });

    const slot = ['services/slot/main.ts'];
    expect(await runCommand(slot, env)).toMatchObject({ code: 0, output: expect.stringContaining('prepadata_1') });
    expect(await runCommand([...slot, '--drop'], env)).toMatchObject({
      code: 2,
      output: expect.stringMatching(/prepadata_1 is being read .*\n.*stop the PrepaData/),
    });
    await program.stop();
    expect(await runCommand([...slot, '--drop'], env)).toMatchObject({
      code: 0,
      output: expect.stringContaining('Dropped prepadata_1'),
    });
    await asSuperuser(server, 'lms', [
      'DROP PUBLICATION prepadata',
      'DROP OWNED BY prepadata_reader',
      'DROP ROLE prepadata_reader',
    ]);
  }, 300_000);
}

test('what the program tells an administrator to run is what connectors/source.sql runs', () => {
  const inFile = statementsOf(sourceSql);
  const [login = '', ...grants] = grantsSql('prepadata_reader', sourceNames());
  expect(login).toBe('ALTER ROLE prepadata_reader REPLICATION;');
  expect(sourceSql).toContain(login);
  for (const text of grants) expect(inFile).toContain(text.slice(0, -1));
});
