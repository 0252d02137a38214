import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import type { Database, DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { processCpu } from '../measure.ts';

const ROOT = path.resolve(import.meta.dirname, '../../..');

interface Told {
  readonly markers: number;
  /** CPU seconds before it began. */
  readonly loading: number;
}

/** Brings the source's rows and changes into the peers' topic, in its own process. */
export class Pump {
  readonly pid: number;
  readonly #child: ChildProcess;
  #told: Told | undefined;

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.pid = child.pid ?? 0;
    child.on('message', (message) => {
      this.#told = message as Told;
    });
  }

  /** Resolves once every row is sent, unless rows were sent before, and it follows the changes. */
  static async start(source: DatabaseAddress, brokers: string, onSpawn: (child: ChildProcess) => void): Promise<Pump> {
    const child = spawn(process.execPath, ['libs/platform/launch.mjs', 'test/bench/peers/pump-child.ts'], {
      cwd: ROOT,
      env: { ...process.env, ...addressEnv('SOURCE_DB', source), BENCH_BROKERS: brokers },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    onSpawn(child);
    const pump = new Pump(child);
    await pump.#until(() => pump.#told !== undefined);
    return pump;
  }

  /** Seconds, without its loading. */
  get cpu(): number {
    return processCpu(this.pid) - (this.#told?.loading ?? 0);
  }

  /** Waits until everything committed at the source by now is in the topic. */
  async untilAtEnd(source: Database): Promise<void> {
    const before = this.#told?.markers ?? 0;
    await source.query("SELECT pg_logical_emit_message(true, 'peers', '')");
    await this.#until(() => (this.#told?.markers ?? 0) > before);
  }

  async stop(): Promise<void> {
    if (this.#hasEnded) return;
    const gone = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await gone;
  }

  get #hasEnded(): boolean {
    return this.#child.exitCode !== null || this.#child.signalCode !== null;
  }

  async #until(isSo: () => boolean): Promise<void> {
    for (; !isSo(); await sleep(5)) if (this.#hasEnded) throw new Error('the pump has ended; its words are above');
  }
}
