import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FAMILIES } from '#libs/domain/family.ts';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { SETTINGS } from '#libs/platform/config/settings.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { migrate } from '#libs/store/schema/migrate.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { startForwarder } from './forwarder.ts';
import { ask } from './support.ts';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

interface Program {
  readonly child: ChildProcess;
  /** The first line on standard output: the URL. */
  readonly url: Promise<string>;
  readonly ended: Promise<{ code: number | null; stdout: string; stderr: string }>;
  /** Resolves once standard error has contained this text. */
  said(text: string): Promise<void>;
}

function run(settings: Record<string, string>, args: readonly string[] = []): Program {
  const child = spawn(process.execPath, ['libs/platform/launch.mjs', 'services/api/main.ts', ...args], {
    cwd: ROOT,
    env: { PATH: process.env['PATH'], API_PORT: '0', ...settings },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  const waiting: (() => void)[] = [];
  child.stdout.on('data', (chunk: Buffer) => {
    stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
    for (const check of waiting) check();
  });
  const lines = createInterface(child.stdout);
  return {
    child,
    url: new Promise((resolve) => lines.once('line', resolve)),
    ended: new Promise((resolve) => child.once('close', (code) => resolve({ code, stdout, stderr }))),
    said: (text) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (stderr.includes(text)) resolve();
        };
        waiting.push(check);
        check();
      }),
  };
}

const settingsFor = (address: DatabaseAddress): Record<string, string> => addressEnv('ANALYTICS_DB', address);

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createTestDatabase('api_main');
});
afterAll(() => analytics.drop());

/** What the API reports about a database that no role writes to. */
const ALL_BUT_THE_ROLES = {
  status: 'not ready',
  reasons: FAMILIES.map((role) => `no process of the role ${role} is heard of: each reports every 2 s`),
  source: null,
};

test('--help lists every setting that it reads, and no other', async () => {
  const { code, stdout } = await run({}, ['--help']).ended;
  expect(code).toBe(0);
  for (const name of Object.keys(SETTINGS))
    expect(stdout.includes(`  ${name} `), name).toBe(
      /^(API_|ANALYTICS_DB_|(LOG_LEVEL|RETAIN_ACCESS_DAYS)$)/.test(name),
    );
});

test.each(['SIGTERM', 'SIGINT'] as const)('migrates, serves, and drains on %s with code 0', async (signal) => {
  const program = run(settingsFor(analytics.address));
  const url = await program.url;
  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect((await ask(`${url}/api/ready`)).body).toEqual(ALL_BUT_THE_ROLES);
  expect((await ask(`${url}/api/students`)).body).toEqual([]);
  program.child.kill(signal);
  expect((await program.ended).code).toBe(0);
});

test('without ANALYTICS_DB_HOST it ends with 2 and says so', async () => {
  const { code, stderr } = await run({}).ended;
  expect(code).toBe(2);
  expect(stderr).toMatch(/ANALYTICS_DB_HOST is not set.*\n {2}set ANALYTICS_DB_HOST/);
});

test.each([
  [{ API_PORT: 'eighty' }, /API_PORT=eighty is not a port/],
  [{ API_HOST: '0.0.0.0' }, /API_HOST=0\.0\.0\.0 would serve personal data/],
  [{ ANALYTICS_DB_PASSWORD: 'wrong' }, /the analytics database .* refuses us: password/],
  [{ ANALYTICS_DB_NAME: 'nowhere' }, /the analytics database .*nowhere refuses us: database "nowhere" does not exist/],
])('%j ends it with 2', async (settings, message) => {
  const { code, stderr } = await run({ ...settingsFor(analytics.address), ...settings }).ended;
  expect(stderr).toMatch(message);
  expect(code).toBe(2);
});

test('a database of a newer program ends it with 3', async () => {
  const newer = await createTestDatabase('api_newer');
  try {
    await migrate(newer.db);
    await newer.db.query("INSERT INTO schema_version (version, name) VALUES (9999, '9999_later.sql')");
    const { code, stderr } = await run(settingsFor(newer.address)).ended;
    expect(stderr).toMatch(/schema version 9999/);
    expect(code).toBe(3);
  } finally {
    await newer.drop();
  }
});

test('a database that is away is waited for, in sight; a signal ends the waiting', async () => {
  const forwarder = await startForwarder(analytics.address);
  await forwarder.cut();
  const settings = settingsFor({ ...analytics.address, host: '127.0.0.1', port: forwarder.port });
  const patient = run(settings);
  await patient.said('does not answer; trying again');
  patient.child.kill('SIGTERM');
  expect((await patient.ended).code).toBe(0);
  const lucky = run(settings);
  await lucky.said('does not answer; trying again');
  await forwarder.fix();
  expect((await ask(`${await lucky.url}/api/ready`)).body).toEqual(ALL_BUT_THE_ROLES);
  lucky.child.kill('SIGTERM');
  expect((await lucky.ended).code).toBe(0);
  await forwarder.cut();
});

test('at SIGHUP it reads its tokens anew; what makes no sense leaves them as they were', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-tokens-'));
  const file = path.join(folder, 'tokens');
  writeFileSync(file, 'dash:old:read\n');
  const program = run({ ...settingsFor(analytics.address), API_TOKENS_FILE: file });
  const url = await program.url;
  const as = async (token: string): Promise<number> =>
    (await ask(`${url}/api/students`, { headers: { authorization: `Bearer ${token}` } })).status;
  expect(await as('old')).toBe(200);
  writeFileSync(file, 'dash:new:read\n');
  program.child.kill('SIGHUP');
  await program.said('the tokens were read anew');
  expect([await as('old'), await as('new')]).toEqual([401, 200]);
  writeFileSync(file, 'dash:newer:everything\n');
  program.child.kill('SIGHUP');
  await program.said('stay as they were');
  expect(await as('new')).toBe(200);
  program.child.kill('SIGTERM');
  const { code, stderr } = await program.ended;
  expect([code, stderr]).toEqual([0, expect.not.stringContaining('newer')]);
  rmSync(folder, { recursive: true });
});
