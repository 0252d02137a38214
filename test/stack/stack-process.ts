import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Verdict } from '#libs/domain/run.ts';
import type { ProcessIdentity } from '#libs/platform/process-identity.ts';
import { partsFolder } from '../../services/sandbox/stack/parts/index.ts';
import { MEMBERS } from '../../services/sandbox/stack/programs.ts';
import { endLeft, readState, type StackState } from '../../services/sandbox/stack/state.ts';

/** Allows everything that tests request from the API. */
export const TOKEN = 'a-token-of-the-stack';

/** A small campus that still has every story. */
const SMALL = { CAMPUS_STUDENTS: '60' };
const ROOT = path.resolve(import.meta.dirname, '../..');

/** `npm run stack` as a user runs it: everything for real, on a folder of the test. */
export class StackProcess {
  /** The folder of the stack's data. */
  readonly folder: string;
  output = '';
  readonly #args: readonly string[];
  readonly #made: string;
  readonly #asked: string;
  #child: ChildProcess | undefined;

  constructor(...args: readonly string[]) {
    this.#args = args;
    this.#made = mkdtempSync(path.join(tmpdir(), 'prepadata-whole-'));
    chmodSync(this.#made, 0o755);
    this.#asked = path.join(this.#made, 'stack');
    this.folder = args.includes('--secure') ? `${this.#asked}-secure` : this.#asked;
  }

  /** Resolves with its exit code. */
  start(env: Readonly<Record<string, string>> = {}): Promise<number | null> {
    this.output = '';
    const own = {
      STACK_DIR: this.#asked,
      STACK_PARTS_DIR: partsFolder(),
      API_PORT: '',
      API_TOKENS: `test:${TOKEN}:read|run|ops`,
      PIPELINE_SCHEDULE: 'off',
      ...SMALL,
    };
    const started = spawn(
      process.execPath,
      ['libs/platform/launch.mjs', 'services/sandbox/stack/main.ts', ...this.#args],
      { cwd: ROOT, env: { ...process.env, ...own, ...env } },
    );
    this.#child = started;
    const keep = (chunk: Buffer): void => {
      this.output += chunk.toString();
    };
    started.stdout.on('data', keep);
    started.stderr.on('data', keep);
    return new Promise((resolve) => started.once('close', resolve));
  }

  kill(signal: NodeJS.Signals): void {
    this.#child?.kill(signal);
  }

  get state(): StackState | undefined {
    return readState(this.folder);
  }

  get processes(): ProcessIdentity[] {
    return (this.state?.processes ?? []).map(({ who }) => who);
  }

  /** Waits until every member is up, or done. */
  async untilUp(): Promise<void> {
    const isUp = (): boolean =>
      this.state?.pid === this.#child?.pid &&
      this.state?.members.length === MEMBERS.length &&
      this.state?.members.every((member) => member.state === 'up' || member.state === 'done') === true;
    while (!isUp()) {
      if (this.#child?.exitCode !== null) throw new Error(`the stack ended:\n${this.output}`);
      const refused = this.state?.members.find((member) => member.state === 'refused');
      if (refused !== undefined) throw new Error(`${refused.name} refuses: ${refused.note}`);
      await sleep(100);
    }
  }

  /** The API's answer to an authorised request; with a body it is posted. */
  async ask<T>(path: string, body?: object): Promise<T> {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${TOKEN}` };
    const posted = body && { method: 'POST', body: JSON.stringify(body) };
    return (await (await fetch(`${this.state?.url}${path}`, { headers, ...posted })).json()) as T;
  }

  /** Runs the nightly reconcile of what came over Kafka, while the campus lives. */
  async prove(): Promise<unknown> {
    const { status, reason, verdict, records_processed } = await this.ask<{
      readonly status: string;
      readonly reason: string | null;
      readonly verdict: Verdict | null;
      readonly records_processed: number | null;
    }>('/api/pipeline/trigger?wait=true', { mode: 'reconcile' });
    return { status, reason, kinds: verdict?.kinds, hasCompared: (records_processed ?? 0) > 10_000 };
  }

  /** Ends everything, whatever its state, and removes what it wrote. */
  async remove(): Promise<void> {
    this.kill('SIGKILL');
    await endLeft(this.folder);
    rmSync(this.#made, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** The result of `prove` when everything is equal. */
export const EQUAL = { status: 'succeeded', reason: null, kinds: {}, hasCompared: true };
