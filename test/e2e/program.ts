import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isAlive } from '#libs/platform/embedded-postgres/embedded.ts';
import { readIfThere } from '#libs/platform/file-if-there.ts';
import { type Database, openDatabase } from '#libs/platform/postgres/database.ts';
import type { RunFile } from '../../services/sandbox/local/runfile.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const DEADLINE_MS = 180_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: string | null;
}

/** A small campus that still has every story. */
const SMALL = { CAMPUS_STUDENTS: '60' };

/** `npm start` as a user runs it, on a data folder of the test. */
export class Program {
  readonly dataDir: string;
  output = '';
  #child: ChildProcess | undefined;
  #ended: Promise<Ended> = Promise.resolve({ code: null, signal: null });
  readonly #env: Readonly<Record<string, string>>;
  readonly #node: string;

  /** @param node the Node that runs it; the tests' own unless given */
  constructor(dataDir: string, env: Readonly<Record<string, string>> = {}, node = process.execPath) {
    this.dataDir = dataDir;
    this.#env = env;
    this.#node = node;
  }

  /** Runs the launcher itself rather than npm, so that signals and exit codes are the program's own. */
  start(env: Readonly<Record<string, string>> = {}): this {
    const child = spawn(this.#node, ['libs/platform/launch.mjs', 'services/sandbox/local/main.ts'], {
      cwd: ROOT,
      env: { ...process.env, API_PORT: '0', LOG_LEVEL: 'info', ...SMALL, ...this.#env, ...env, DATA_DIR: this.dataDir },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const keep = (chunk: Buffer): void => {
      this.output += chunk.toString();
    };
    // Whatever happens to the test, its program does not outlive it.
    process.once('exit', () => child.kill('SIGKILL'));
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    this.#ended = new Promise((resolve) => {
      child.once('exit', (code, signal) => resolve({ code, signal }));
    });
    this.#child = child;
    return this;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  get runFile(): RunFile {
    return JSON.parse(readFileSync(path.join(this.dataDir, 'running.json'), 'utf8')) as RunFile;
  }

  get url(): string {
    return this.runFile.url ?? '';
  }

  /** Waits until /api/ready answers 200. */
  async untilReady(): Promise<void> {
    for (const until = Date.now() + DEADLINE_MS; ; await sleep(50)) {
      if (this.#child?.exitCode !== null) throw new Error(`the program ended:\n${this.#lastWords}`);
      const url = existsSync(path.join(this.dataDir, 'running.json')) ? this.url : '';
      const answer = url === '' ? undefined : await fetch(`${url}/api/ready`).catch(() => undefined);
      if (answer?.status === 200 && this.output.includes('PrepaData is running')) return;
      if (Date.now() > until) throw new Error(`not ready after ${DEADLINE_MS / 1000} s:\n${this.#lastWords}`);
    }
  }

  get #lastWords(): string {
    return this.output.trim().split('\n').slice(-12).join('\n');
  }

  async get(route: string): Promise<{ status: number; body: unknown }> {
    const answer = await fetch(`${this.url}${route}`);
    return { status: answer.status, body: await answer.json() };
  }

  /** Closes the pipes: nobody reads its output any more. */
  hangUp(): void {
    this.#child?.stdout?.destroy();
    this.#child?.stderr?.destroy();
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  ended(): Promise<Ended> {
    return this.#ended;
  }

  /** Like Ctrl-C; resolves when the program has ended. */
  stop(): Promise<Ended> {
    this.kill('SIGINT');
    return this.#ended;
  }

  /** Connects to both databases, while the program (or the servers it left behind) runs. */
  open(): { source: Database; analytics: Database; close(): Promise<void> } {
    const { source: sourceAddress, analytics: analyticsAddress } = this.runFile;
    if (sourceAddress === undefined || analyticsAddress === undefined)
      throw new Error('the program has not started its databases');
    const source = openDatabase(sourceAddress, { connections: 3 });
    const analytics = openDatabase(analyticsAddress, { connections: 3 });
    return {
      source,
      analytics,
      close: async () => {
        await source.close();
        await analytics.close();
      },
    };
  }

  /** The live servers of this data folder, by their own pid files. */
  servers(): number[] {
    return (['source', 'analytics'] as const).map((name) => this.serverPid(name)).filter((pid) => pid > 0);
  }

  /** 0 if it is not alive. */
  serverPid(name: 'source' | 'analytics'): number {
    const file = path.join(this.dataDir, name, 'data/postmaster.pid');
    const pid = Number(readIfThere(file)?.split('\n')[0] ?? 0);
    return pid > 0 && isAlive(pid) ? pid : 0;
  }

  /** Ends whatever is left of the program. */
  async cleanUp(): Promise<void> {
    this.kill('SIGKILL');
    await this.#ended;
    for (const pid of this.servers()) process.kill(pid, 'SIGQUIT');
    for (const until = Date.now() + 10_000; this.servers().length > 0 && Date.now() < until; ) await sleep(20);
    rmSync(path.dirname(this.dataDir), { recursive: true, force: true, maxRetries: 5 });
  }
}

export interface CommandResult {
  readonly code: number | null;
  readonly output: string;
}

/** Runs a program of the project to its end, as the launcher does. */
export function runCommand(
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  node = process.execPath,
): Promise<CommandResult> {
  const child = spawn(node, ['libs/platform/launch.mjs', ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
  });
  let output = '';
  const keep = (chunk: Buffer): void => {
    output += chunk.toString();
  };
  child.stdout.on('data', keep);
  child.stderr.on('data', keep);
  return new Promise((resolve) => {
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** A data folder that the user "nobody" may enter, since Postgres refuses to run as root. */
export function newDataDir(): string {
  const parent = mkdtempSync(path.join(tmpdir(), 'prepadata-e2e-'));
  mkdirSync(path.join(parent, 'data'));
  // mkdtemp makes folders that only their owner can enter.
  chmodSync(parent, 0o755);
  return path.join(parent, 'data');
}

/** Tries until it holds; the test's own timeout ends it. */
export async function eventually(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(20);
}
