import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { isStill } from '#libs/platform/process-identity.ts';
import { MEMBERS } from '../../services/sandbox/stack/programs.ts';
import { secretsIn, secretsInArguments, secretsInFiles } from '../support/secrets.ts';
import { EQUAL, StackProcess } from './stack-process.ts';

/* `npm run stack` as a user runs it: everything for real, on a folder of the test. */
const stack = new StackProcess();
afterAll(() => stack.remove());

/** The login of each process in the analytics database. */
async function loginsInUse(): Promise<Record<string, string>> {
  const address = stack.state?.analytics;
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

/** Places that contain the stack's passwords, apart from the files that only their owner may read. */
function secretsWritten(): string[] {
  const logins = readdirSync(stack.folder, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(^|\/)logins\.json$/.test(file),
  );
  const passwords = logins.flatMap((file) => {
    const text = readFileSync(path.join(stack.folder, file), 'utf8');
    return [...passwordsIn(JSON.parse(text))].map((password, index) => [`${file} ${index}`, password] as const);
  });
  const planted = { marks: new Map(passwords) };
  expect(logins.length).toBeGreaterThan(2);
  return [
    ...secretsInFiles(stack.folder, planted, (file) => /(^|\/)(logins|running)\.json$/.test(file)),
    ...secretsInArguments(planted),
    // The screen shows how to look into the sample campus, and into what is derived from it.
    ...secretsIn(stack.output.replaceAll(/postgres:\/\/\S+/g, ''), planted),
  ];
}

function* passwordsIn(value: unknown): Generator<string> {
  // Short texts are user names, which are not secret.
  if (typeof value === 'string' && value.length >= 20) yield value;
  else if (typeof value === 'object' && value !== null)
    for (const inner of Object.values(value)) yield* passwordsIn(inner);
}

test('every part comes up; after a kill -9 the next start goes on; Ctrl-C stops all of them', async () => {
  const first = stack.start();
  await stack.untilUp();
  expect((await fetch(`${stack.state?.url}/api/health`)).status).toBe(200);
  expect(await loginsInUse()).toEqual({
    anomaly: 'prepadata_writer',
    api: 'prepadata_api',
    engagement: 'prepadata_writer',
    performance: 'prepadata_writer',
    reconcile: 'prepadata_reconcile',
    register: 'prepadata_writer',
  });
  for (const file of ['access.log', 'logins.json', 'running.json', 'broker/data'])
    expect(statSync(path.join(stack.folder, file)).mode & 0o077, file).toBe(0);
  expect(secretsWritten()).toEqual([]);
  const killed = stack.processes;
  // All members except the one that has ended, plus the supervisor.
  expect(killed).toHaveLength(MEMBERS.length - 1 + 1);
  expect(killed.every(isStill)).toBe(true);
  stack.kill('SIGKILL');
  await first;

  const second = stack.start();
  await stack.untilUp();
  expect(killed.filter(isStill)).toEqual([]);
  expect(await stack.prove()).toEqual(EQUAL);
  const ended = stack.processes;
  stack.kill('SIGINT');
  expect(await second).toBe(0);
  expect(ended.filter(isStill)).toEqual([]);
}, 900_000);
