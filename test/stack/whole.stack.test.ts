import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import type { Verdict } from '#libs/domain/run.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { isStill, type ProcessIdentity } from '#libs/platform/process-identity.ts';
import { partsFolder } from '../../services/sandbox/stack/parts/index.ts';
import { MEMBERS } from '../../services/sandbox/stack/programs.ts';
import { endLeft, readState, type StackState } from '../../services/sandbox/stack/state.ts';
import { secretsIn, secretsInArguments, secretsInFiles } from '../support/secrets.ts';

/*
 * `npm run stack` as a user has it: everything for real, on a folder of the test.
 */
const ROOT = path.resolve(import.meta.dirname, '../..');
const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-whole-'));
chmodSync(folder, 0o755);
/** A small campus, which has every story all the same. */
const SMALL = { CAMPUS_STUDENTS: '60' };
let child: ChildProcess | undefined;
let output = '';

function start(): Promise<number | null> {
  output = '';
  const started = spawn(process.execPath, ['libs/platform/launch.mjs', 'services/sandbox/stack/main.ts'], {
    cwd: ROOT,
    env: {
      ...process.env,
      STACK_DIR: folder,
      STACK_PARTS_DIR: partsFolder(),
      API_PORT: '',
      PIPELINE_SCHEDULE: 'off',
      ...SMALL,
    },
  });
  child = started;
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  started.stdout.on('data', keep);
  started.stderr.on('data', keep);
  return new Promise((resolve) => started.once('close', resolve));
}

const state = (): StackState | undefined => readState(folder);
const processes = (): ProcessIdentity[] => (state()?.processes ?? []).map(({ who }) => who);
const settled = (): boolean =>
  state()?.pid === child?.pid &&
  state()?.members.length === MEMBERS.length &&
  state()?.members.every((member) => member.state === 'up' || member.state === 'done') === true;

/** The nightly reconcile of what has come over Kafka, while the campus lives. */
async function reconcile(): Promise<unknown> {
  const headers = { 'content-type': 'application/json' };
  const request = { method: 'POST', headers, body: JSON.stringify({ mode: 'reconcile' }) };
  const answer = await fetch(`${state()?.url}/api/pipeline/trigger?wait=true`, request);
  const { status, reason, verdict, records_processed } = (await answer.json()) as {
    readonly status: string;
    readonly reason: string | null;
    readonly verdict: Verdict | null;
    readonly records_processed: number | null;
  };
  return { status, reason, kinds: verdict?.kinds, hasCompared: (records_processed ?? 0) > 10_000 };
}

/** As whom each process is in the analytics database. */
async function loginsInUse(): Promise<Record<string, string>> {
  const address = state()?.analytics;
  if (address === undefined) throw new Error('the stack names no analytics database');
  const db = openDatabase(address, { connections: 1, name: 'test' });
  try {
    const rows = await db.query<{ process: string; login: string }>(
      `SELECT DISTINCT substr(application_name, 11) AS process, usename::text AS login FROM pg_stat_activity
        WHERE datname = current_database() AND application_name IN
              ('prepadata engagement', 'prepadata performance', 'prepadata anomaly', 'prepadata reconcile', 'prepadata api', 'prepadata register')
        ORDER BY process`,
    );
    return Object.fromEntries(rows.map(({ process: name, login }) => [name, login]));
  } finally {
    await db.close();
  }
}

/** Where passwords of the stack stand; they belong into files that their owner alone may read, and nowhere else. */
function secretsWritten(): string[] {
  const logins = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(^|\/)logins\.json$/.test(file),
  );
  const passwords = logins.flatMap((file) => {
    const text = readFileSync(path.join(folder, file), 'utf8');
    return [...passwordsIn(JSON.parse(text))].map((password, index) => [`${file} ${index}`, password] as const);
  });
  const planted = { marks: new Map(passwords) };
  expect(logins.length).toBeGreaterThan(2);
  return [
    ...secretsInFiles(folder, planted, (file) => /(^|\/)(logins|running)\.json$/.test(file)),
    ...secretsInArguments(planted),
    // The screen shows how one looks into the sample campus, and into what follows from it.
    ...secretsIn(output.replaceAll(/postgres:\/\/\S+/g, ''), planted),
  ];
}

function* passwordsIn(value: unknown): Generator<string> {
  // User names stand among them, and are no secrets.
  if (typeof value === 'string' && value.length >= 20) yield value;
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) yield* passwordsIn(inner);
}

async function eventually(holds: () => boolean): Promise<void> {
  while (!holds()) {
    if (child?.exitCode !== null) throw new Error(`the stack ended:\n${output}`);
    await sleep(100);
  }
}

afterAll(async () => {
  child?.kill('SIGKILL');
  await endLeft(folder);
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

test('every part comes up; after a kill -9 the next start goes on; Ctrl-C stops all of them', async () => {
  const first = start();
  await eventually(settled);
  expect((await fetch(`${state()?.url}/api/health`)).status).toBe(200);
  expect(await loginsInUse()).toEqual({
    anomaly: 'prepadata_writer',
    api: 'prepadata_api',
    engagement: 'prepadata_writer',
    performance: 'prepadata_writer',
    reconcile: 'prepadata_reconcile',
    register: 'prepadata_writer',
  });
  for (const file of ['access.log', 'logins.json', 'running.json'])
    expect(statSync(path.join(folder, file)).mode & 0o077, file).toBe(0);
  expect(secretsWritten()).toEqual([]);
  const killed = processes();
  // All members but the one that has ended, and what watches over them.
  expect(killed).toHaveLength(MEMBERS.length - 1 + 1);
  expect(killed.every(isStill)).toBe(true);
  child?.kill('SIGKILL');
  await first;

  const second = start();
  await eventually(settled);
  expect(killed.filter(isStill)).toEqual([]);
  expect(await reconcile()).toEqual({ status: 'succeeded', reason: null, kinds: {}, hasCompared: true });
  const ended = processes();
  child?.kill('SIGINT');
  expect(await second).toBe(0);
  expect(ended.filter(isStill)).toEqual([]);
}, 900_000);
