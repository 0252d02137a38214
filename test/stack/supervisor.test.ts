import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { endProcess, identifyProcess } from '#libs/platform/process-identity.ts';
import { readState, type StackState, writeState } from '../../services/sandbox/stack/state.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
let folder: string;
let notes: string;
const runs: Run[] = [];

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'prepadata-supervisor-'));
  notes = path.join(folder, 'notes');
});

afterEach(async () => {
  for (const { child } of runs.splice(0)) child.kill('SIGKILL');
  for (const { pid } of noted()) {
    const who = identifyProcess(pid);
    if (who?.command.includes('fakes/child.ts')) await endProcess(who, { deadlineMs: 0 });
  }
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
});

interface Run {
  readonly child: ChildProcess;
  readonly ended: Promise<number | null>;
  output: string;
}

function run(fakes: string, ...args: readonly string[]): Run {
  const child = spawn(process.execPath, ['libs/platform/launch.mjs', 'test/stack/fakes/main.ts', ...args], {
    cwd: ROOT,
    env: { ...process.env, STACK_DIR: path.join(folder, 'stack'), NOTES: notes, FAKES: fakes, API_PORT: '' },
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const started: Run = { child, ended, output: '' };
  runs.push(started);
  const keep = (chunk: Buffer): void => {
    started.output += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return started;
}

interface Note {
  readonly word: string;
  readonly name: string;
  readonly pid: number;
}

function noted(word?: string): Note[] {
  if (!existsSync(notes)) return [];
  const lines = readFileSync(notes, 'utf8').trim().split('\n');
  return lines
    .map((line) => line.split(' '))
    .map(([said = '', name = '', pid = '0']) => ({ word: said, name, pid: Number(pid) }))
    .filter((note) => word === undefined || note.word === word);
}

const names = (word: string): string[] => noted(word).map(({ name }) => name);
const state = (): StackState | undefined => readState(path.join(folder, 'stack'));
const stateOf = (name: string): string | undefined => state()?.members.find((member) => member.name === name)?.state;
const alive = (): number[] => noted('begin').flatMap(({ pid }) => (identifyProcess(pid) === undefined ? [] : [pid]));

/** Shorter than a test's timeout, so that the error shows the actual state. */
const DEADLINE_MS = 100_000;

/** @throws Error after a deadline, with the stack's state and output */
async function eventually(holds: () => boolean): Promise<void> {
  for (const until = Date.now() + DEADLINE_MS; !holds(); await sleep(20)) {
    if (Date.now() < until) continue;
    const said = runs.map(({ child, output }) => `${child.exitCode ?? child.signalCode ?? 'runs'}: ${output}`);
    throw new Error(`waited in vain for ${holds}\n${JSON.stringify(state()?.members)}\n${said.join('\n')}`);
  }
}

test('each program sees the settings that are no secrets, and nothing else of our environment', async () => {
  const secrets = { API_TOKENS: 'hidden-token', SOURCE_DB_PASSWORD: 'hidden-password', SOMETHING_ELSE: 'hidden-too' };
  for (const [name, value] of Object.entries({ ...secrets, SOURCE_TIMEZONE: 'Europe/Paris' }))
    process.env[name] = value;
  const { child, ended } = run('engagement::tells,api::tells');
  for (const name of Object.keys(secrets)) delete process.env[name];
  delete process.env['SOURCE_TIMEZONE'];
  await eventually(() => existsSync(`${notes}.engagement`) && existsSync(`${notes}.api`));
  const seen = readFileSync(`${notes}.engagement`, 'utf8');
  expect(JSON.parse(seen)).toMatchObject({ SOURCE_TIMEZONE: 'Europe/Paris', PATH: process.env['PATH'] });
  expect(seen).not.toContain('hidden');
  child.kill('SIGINT');
  await ended;
});

describe('the members of a stack', () => {
  test('start when what they need is up, and stop in reverse', async () => {
    const stack = run('broker,connect:broker,migrate:connect:once,engagement:migrate,api:engagement');
    await eventually(() => stateOf('api') === 'up');
    expect(names('begin')).toEqual(['broker', 'connect', 'migrate', 'engagement', 'api']);
    expect(stateOf('migrate')).toBe('done');
    stack.child.kill('SIGINT');
    expect(await stack.ended).toBe(0);
    expect(names('end')).toEqual(['api', 'engagement', 'connect', 'broker']);
    expect(alive()).toEqual([]);
    expect(stack.output).toMatch(/api +up +\d+\.\d s {3}api on \d+/);
    expect(stack.output).toContain('Nothing is left running');
  });

  test('are started again when they die, and wait for a while when they die again', async () => {
    const stack = run('broker,api:broker:crashes');
    await eventually(() => names('begin').filter((name) => name === 'api').length >= 3);
    expect(stack.output).toContain('ended with code 1; starting it again in 1 s');
    expect(stack.output).toContain('starting it again in 2 s');
    writeFileSync(`${notes}.fixed`, '');
    await eventually(() => stateOf('api') === 'up');
    const first = noted('begin').findLast(({ name }) => name === 'broker');
    process.kill(first?.pid ?? 0, 'SIGKILL');
    await eventually(() => noted('begin').findLast(({ name }) => name === 'broker')?.pid !== first?.pid);
    await eventually(() => stateOf('broker') === 'up');
    expect(stack.output).toContain('ended with SIGKILL; starting it again');
    stack.child.kill('SIGTERM');
    expect(await stack.ended).toBe(0);
    expect(alive()).toEqual([]);
  });

  test('that refuse are shown with what they say, and not started again; the others run on', async () => {
    const stack = run('broker,migrate:broker:refuses,api:migrate');
    await eventually(() => stateOf('migrate') === 'refused');
    await sleep(1_500);
    expect(names('begin')).toEqual(['broker', 'migrate']);
    expect(stack.output).toContain('REFUSED   ended with code 2: migrate: the fake setting is wrong · set it right');
    expect([stateOf('broker'), stateOf('api')]).toEqual(['up', 'waiting']);
    stack.child.kill('SIGINT');
    expect(await stack.ended).toBe(0);
  });
});

describe('after kill -9 of the stack', () => {
  test('nothing is left running', async () => {
    const stack = run('broker,api:broker');
    await eventually(() => stateOf('api') === 'up');
    stack.child.kill('SIGKILL');
    await stack.ended;
    await eventually(() => alive().length === 0);
    // In the right order, too.
    expect(names('end')).toEqual(['api', 'broker']);
  });

  test('and of what watches over it, the next start ends what is left, and that alone', async () => {
    const first = run('broker,api:broker');
    await eventually(() => stateOf('api') === 'up');
    const written = state();
    const guard = written?.processes[0]?.who.pid ?? 0;
    expect(identifyProcess(guard)?.command).toContain('guard.ts');
    process.kill(guard, 'SIGKILL');
    first.child.kill('SIGKILL');
    await first.ended;
    const left = alive();
    expect(left).toHaveLength(2);
    // A process id that somebody else has by now: this very process.
    if (written !== undefined) {
      const stranger = { who: { pid: process.pid, startedAt: 'long ago', command: 'java' }, ask: 'SIGKILL' as const };
      writeState(path.join(folder, 'stack'), { ...written, processes: [...written.processes, stranger] });
    }
    const second = run('broker');
    await eventually(() => state()?.pid === second.child.pid && stateOf('broker') === 'up');
    expect(left.map(identifyProcess)).toEqual([undefined, undefined]);
    expect(second.output).toContain('had left 2 processes');
    second.child.kill('SIGINT');
    expect(await second.ended).toBe(0);
  });
});

describe('the other orders', () => {
  test('--status, --stop and --reset; a second stack on the folder is refused with the address of the first', async () => {
    expect(await run('', '--status').ended).toBe(1);
    const stack = run('broker,api:broker');
    await eventually(() => stateOf('api') === 'up');

    const second = run('broker');
    expect(await second.ended).toBe(2);
    expect(second.output).toContain(state()?.url);

    const status = run('', '--status');
    expect(await status.ended).toBe(0);
    expect(status.output).toMatch(/broker +up/);

    const both = run('', '--status', '--stop');
    expect(await both.ended).toBe(2);

    const stop = run('', '--stop');
    expect(await stop.ended).toBe(0);
    expect(await stack.ended).toBe(0);
    expect(alive()).toEqual([]);
    expect(stop.output).toContain('is stopped');

    writeFileSync(path.join(folder, 'stack/parts'), 'fetched');
    const reset = run('', '--reset');
    expect(await reset.ended).toBe(0);
    expect(existsSync(path.join(folder, 'stack/logs'))).toBe(false);
    expect(existsSync(path.join(folder, 'stack/parts'))).toBe(true);
  });

  test('--help names every setting', async () => {
    const help = run('', '--help');
    expect(await help.ended).toBe(0);
    for (const name of ['STACK_DIR', 'STACK_PARTS_DIR', 'KAFKA_BROKERS']) expect(help.output).toContain(name);
  });
});
