import { type ChildProcess, spawn } from 'node:child_process';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Ended } from './program.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const DEADLINE_MS = 110_000;

// Whatever happens to the tests, their processes do not outlive them.
const children = new Set<ChildProcess>();
process.once('exit', () => {
  for (const child of children) child.kill('SIGKILL');
});

/** One role as a process of its own, as `npm run <role>` starts it. */
export class RoleProcess {
  output = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<Ended>;

  constructor(role: string, env: Readonly<Record<string, string>>, args: readonly string[] = [], input?: string) {
    const program = role === 'register' ? 'services/register/main.ts' : `services/${role}/main.ts`;
    this.#child = spawn(process.execPath, ['libs/platform/launch.mjs', program, ...args], {
      cwd: ROOT,
      env: { ...process.env, LOG_LEVEL: 'warn', ...env },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    this.#child.stdin?.end(input);
    const keep = (chunk: Buffer): void => {
      this.output += chunk.toString();
    };
    children.add(this.#child);
    this.#child.stdout?.on('data', keep);
    this.#child.stderr?.on('data', keep);
    this.#child.once('exit', () => children.delete(this.#child));
    // Its last output may arrive after its exit.
    this.#ended = new Promise((resolve) => {
      this.#child.once('close', (code, signal) => resolve({ code, signal }));
    });
  }

  get isRunning(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Waits until it says that it is ready. */
  async ready(): Promise<this> {
    for (const until = Date.now() + DEADLINE_MS; !/^ready/m.test(this.output); await sleep(20)) {
      if (!this.isRunning) throw new Error(`the process ended before it was ready:\n${this.output}`);
      if (Date.now() > until) throw new Error(`not ready after ${DEADLINE_MS / 1000} s:\n${this.output}`);
    }
    return this;
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Stops it where it is (SIGSTOP), or lets it go on (SIGCONT). */
  send(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  end(signal: NodeJS.Signals): Promise<Ended> {
    this.#child.kill(signal);
    return this.#ended;
  }

  ended(): Promise<Ended> {
    return this.#ended;
  }
}
