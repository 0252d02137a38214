import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { FAMILIES } from '#libs/domain/family.ts';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../../support/database.ts';

/* The unit as systemd would run it: its command, in its folder, with its signals. */

const ROOT = path.resolve(import.meta.dirname, '../../..');
const UNIT = readFileSync(path.join(ROOT, 'connectors/systemd/prepadata@.service'), 'utf8');
const ROLES = [...FAMILIES, 'reconcile', 'api'];

const valuesOf = (key: string): string[] =>
  [...UNIT.matchAll(new RegExp(`^${key}=(.*)$`, 'gm'))].map(([, value = '']) => value);

let analytics: TestDatabase;
const children: ChildProcess[] = [];
beforeEach(async () => {
  analytics = await createAnalyticsDatabase('systemd');
});
afterEach(async () => {
  for (const child of children.splice(0)) child.kill('SIGKILL');
  await analytics.drop();
});

/** @param env what its EnvironmentFile would contain */
function start(role: string, env: Record<string, string>): { child: ChildProcess; screen: () => string } {
  const [command = '', ...args] = (valuesOf('ExecStart')[0] ?? '').replaceAll('%i', role).split(' ');
  let screen = '';
  const child = spawn(command, args, { cwd: ROOT, env: { PATH: process.env['PATH'], ...env } });
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      screen += chunk.toString();
    });
  }
  children.push(child);
  return { child, screen: () => screen };
}

test('it names the roles, and each is a program', () => {
  for (const role of ROLES) {
    expect(UNIT).toContain(`prepadata@${role}`);
    expect(existsSync(path.join(ROOT, `services/${role}/main.ts`))).toBe(true);
  }
});

test('the one place that it may write to is where reconcile keeps the key of erasures, for its user alone', () => {
  expect(valuesOf('ProtectSystem')).toEqual(['strict']);
  expect(valuesOf('Environment')).toEqual([`DATA_DIR=/var/lib/${valuesOf('StateDirectory')[0]}`]);
  expect(valuesOf('StateDirectoryMode')).toEqual(['0700']);
});

test('it reloads at the signal for that, and ends at the signal for that, with success', async () => {
  const { child, screen } = start('api', { ...addressEnv('ANALYTICS_DB', analytics.address), API_PORT: '0' });
  await expect.poll(screen).toContain('ready: the API is served');
  expect(valuesOf('ExecReload')).toEqual(['/bin/kill -HUP $MAINPID']);
  child.kill('SIGHUP');
  await expect.poll(screen).toContain('the tokens were read anew');
  const ended = once(child, 'exit');
  child.kill(valuesOf('KillSignal')[0] as NodeJS.Signals);
  expect(await ended).toEqual([0, null]);
});

test('what needs a person is not started again and again', async () => {
  const { child, screen } = start('api', { API_PORT: 'none' });
  const [code] = await once(child, 'exit');
  expect(valuesOf('RestartPreventExitStatus')[0]?.split(' ')).toContain(String(code));
  expect(screen()).toContain('API_PORT');
});
