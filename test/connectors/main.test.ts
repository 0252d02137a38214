import { type ChildProcess, spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { freePort } from '#libs/platform/embedded-postgres/embedded.ts';
import { putConnectorReport, readConnectorReports, readStreamGap } from '#libs/store/progress/connector.ts';
import { migrate } from '#libs/store/schema/migrate.ts';
import { createSourceDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { until } from './fixture.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Program {
  readonly child: ChildProcess;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** Its output on standard output so far. */
  said(): string;
}

function run(settings: Record<string, string>, ...args: string[]): Program {
  const child = spawn(process.execPath, ['libs/platform/launch.mjs', 'services/register/main.ts', ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], LOG_LEVEL: 'silent', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  return {
    child,
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr }))),
    said: () => stdout,
  };
}

let source: TestDatabase;
let analytics: TestDatabase;
let settings: Record<string, string>;

beforeAll(async () => {
  source = await createSourceDatabase('register_main');
  analytics = await createTestDatabase('register_main_store');
  settings = {
    ...addressEnv('SOURCE_DB', source.address),
    ...addressEnv('ANALYTICS_DB', analytics.address),
    SOURCE_SLOT: `m${process.pid}`,
    KAFKA_BROKERS: 'nowhere:9092',
    SCHEMA_REGISTRY_URL: 'http://nowhere:8080/apis/ccompat/v7',
    // Nobody listens there.
    CONNECT_URL: `http://127.0.0.1:${await freePort()}`,
  };
});

afterAll(async () => {
  await analytics?.drop();
  await source?.drop();
});

test('--help says what there is to say', async () => {
  const { code, stdout } = await run({}, '--help').ended;
  expect(code).toBe(0);
  for (const word of ['--watch', '--new-epoch', '--drop', '--snapshot', '--status', 'SOURCE_SLOT_LIMIT']) {
    expect(stdout).toContain(word);
  }
});

test.each([
  [['--wtach'], /wtach/],
  [['--drop', '--watch'], /--drop goes with no other option/],
  [['grades'], /"grades" is one word too many/],
])('arguments that mean nothing are refused: %s', async (args, words) => {
  const { code, stderr } = await run(settings, ...args).ended;
  expect(code).toBe(2);
  expect(stderr).toMatch(words);
});

test('a configuration with holes is refused, all of them named', async () => {
  const { code, stderr } = await run({}).ended;
  expect(code).toBe(2);
  for (const name of ['SOURCE_DB_HOST', 'ANALYTICS_DB_HOST', 'CONNECT_URL', 'SCHEMA_REGISTRY_URL', 'KAFKA_BROKERS']) {
    expect(stderr).toContain(name);
  }
});

test('Connect that is away is waited for, in sight, and nothing is begun; SIGTERM ends the waiting', async () => {
  const program = run(settings, '--watch');
  const report = await until('the report', async () =>
    (await readConnectorReports(analytics.db).catch(() => [])).find(({ state }) => state === 'waiting'),
  );
  expect(report.detail).toContain(`Kafka Connect (${settings['CONNECT_URL']}) does not answer`);
  expect(program.said()).toContain('does not answer');
  expect(await analytics.db.query('SELECT FROM state.epoch')).toEqual([]);
  expect(await source.db.query('SELECT FROM pg_replication_slots WHERE database = current_database()')).toEqual([]);
  program.child.kill('SIGTERM');
  expect((await program.ended).code).toBe(0);
});

test('a source that lacks a column ends it with code 3, and the column is named', async () => {
  await source.db.query('ALTER TABLE grades RENAME COLUMN grade_value TO grade');
  const { code, stderr } = await run(settings, '--watch').ended;
  await source.db.query('ALTER TABLE grades RENAME COLUMN grade TO grade_value');
  expect(code).toBe(3);
  expect(stderr).toContain('public.grades has no column grade_value');
});

test('--status shows what there is, whoever is away', async () => {
  const { code, stdout } = await run(settings, '--status').ended;
  expect(code).toBe(0);
  expect(stdout).toContain('does not answer');
  expect(stdout).toContain('none was begun');
});

test('a report is kept, with what was heard last; a gap of the epoch is found', async () => {
  const db = analytics.db;
  await migrate(db);
  const report = {
    name: 'kept',
    epoch: 4,
    state: 'streaming',
    detail: 'following x_4',
    slot: 'x_4',
    retained_bytes: 5n,
    safe_bytes: null,
    restarts: 2,
    heard_at: new Date(1_700_000_000_123),
  } as const;
  await putConnectorReport(db, report);
  await putConnectorReport(db, { ...report, state: 'waiting', detail: 'Connect is away', heard_at: null });
  expect((await readConnectorReports(db)).find(({ name }) => name === 'kept')).toMatchObject({
    ...report,
    state: 'waiting',
    detail: 'Connect is away',
  });
  await db.query(
    `INSERT INTO state.stream_gap (stream, epoch, said) VALUES ('lms.public.grades/0', 4, 'offset 7 is gone')`,
  );
  expect(await readStreamGap(db, 4)).toBe('lms.public.grades/0: offset 7 is gone');
  expect(await readStreamGap(db, 5)).toBeUndefined();
});
