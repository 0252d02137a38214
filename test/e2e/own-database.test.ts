import { readFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { analyticsAddress, loadConfig } from '#libs/platform/config/config.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/platform/postgres/embedded.ts';
import { grantsSql, publicationSql } from '#libs/source/pgoutput/remedies.ts';
import { seedCampus } from '../../services/campus/seed.ts';
import { SOURCE_SCHEMA } from '../support/source-schema.ts';
import { differencesOf } from './equal.ts';
import { newDataDir, Program, runCommand } from './program.ts';

/*
 * The chapter "Your own LMS" of connectors/README.md, followed to the letter on a server of somebody else's: its SQL and its exports are
 * read from the page itself. Only address and time zone differ, which the page tells the reader to set.
 */

const ROOT = path.resolve(import.meta.dirname, '../..');
const chapter =
  /## Your own LMS\n([\s\S]*?)\n## /.exec(readFileSync(path.join(ROOT, 'connectors/README.md'), 'utf8'))?.[1] ?? '';
const blocks = (language: string): string[] =>
  [...chapter.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map((match) => match[1] ?? '');
const statements = (text: string): string[] =>
  text
    .replaceAll(/^--.*$/gm, '')
    .split(';')
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
const sourceSql = readFileSync(path.join(ROOT, 'connectors/source.sql'), 'utf8');

const dataDir = newDataDir();
const serverFolder = path.join(path.dirname(dataDir), 'server');
const program = new Program(dataDir);
let server: EmbeddedPostgres;

beforeAll(async () => {
  server = await startEmbeddedPostgres({ folder: serverFolder, settings: { fsync: 'off' } });
});
afterAll(async () => {
  await program.stop();
  await server.stop();
  await program.cleanUp();
}, 60_000);

async function asSuperuser(database: string, texts: readonly string[]): Promise<void> {
  const db = openDatabase(server.address(database), { connections: 1 });
  try {
    for (const text of texts) await db.query(text);
  } finally {
    await db.close();
  }
}

/** What the page exports, with the place of the test's server. */
function exported(): Record<string, string> {
  const [block = ''] = blocks('sh').filter((text) => text.includes('npm start'));
  const pairs = [...block.matchAll(/([A-Z_]+)=(\S+)/g)].map((match): [string, string] => [
    match[1] ?? '',
    match[2] ?? '',
  ]);
  const { port } = server.address('postgres');
  return { ...Object.fromEntries(pairs), SOURCE_DB_PORT: String(port), ANALYTICS_DB_PORT: String(port) };
}

test('the chapter, from an empty Postgres to features that equal the oracle, and away again', async () => {
  await server.ensureDatabase('lms');
  const lms = openDatabase(server.address('lms'), { connections: 2 });
  for (const statement of statements(SOURCE_SCHEMA)) await lms.query(statement);
  await seedCampus(lms, { seed: '5', now: Date.now(), students: 20 });
  await lms.close();

  const [level = '', featuresDatabase = ''] = blocks('sql');
  await asSuperuser('lms', statements(level));
  await server.stop();
  server = await startEmbeddedPostgres({ folder: serverFolder, settings: { fsync: 'off' } });
  await asSuperuser('lms', statements(sourceSql));
  for (const statement of statements(featuresDatabase)) await asSuperuser('lms', [statement]);

  const env = exported();
  await program.start(env).untilReady();
  const features = analyticsAddress(loadConfig(env));
  if (features === undefined) throw new Error('the page exports no address of the analytics database');
  expect(program.servers()).toEqual([]);
  expect(
    await differencesOf(server.address('lms'), features, {
      atLeast: 20,
      institution_timezone: 'Europe/Paris',
    }),
  ).toEqual([]);
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
  await asSuperuser('lms', [
    'DROP PUBLICATION prepadata',
    'DROP OWNED BY prepadata_reader',
    'DROP ROLE prepadata_reader',
  ]);
}, 300_000);

test('what the program tells an administrator to run is what connectors/source.sql runs', () => {
  const inFile = statements(sourceSql);
  const [login = '', ...grants] = grantsSql('prepadata_reader', 'public');
  expect(login).toBe('ALTER ROLE prepadata_reader REPLICATION;');
  expect(inFile[0]).toMatch(/^CREATE ROLE prepadata_reader LOGIN REPLICATION/);
  for (const text of [...grants, publicationSql('prepadata', 'public')]) expect(inFile).toContain(text.slice(0, -1));
});
