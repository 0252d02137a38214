import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Lifecycle } from '#libs/platform/lifecycle.ts';
import { startGuard } from '../../../services/sandbox/stack/guard.ts';
import type { MemberSpec, Started } from '../../../services/sandbox/stack/member.ts';
import { type MemberName, PROGRAMS } from '../../../services/sandbox/stack/programs.ts';
import { type Addresses, partSpecs, postgresSpec, programSpec } from '../../../services/sandbox/stack/specs.ts';
import { Costs } from './costs.ts';

const POSTGRES: readonly string[] = ['source', 'analytics'];
const LOOK_MS = 20;

const nameOf = (name: MemberName): string => (POSTGRES.includes(name) ? `Postgres (${name})` : name);

/** The processes of one stack, each started as `npm run stack` starts it, with an account of what they use. */
export class Processes {
  readonly costs = new Costs();
  /** Aborts when everything is to end. */
  readonly signal: AbortSignal;
  readonly #specs: readonly MemberSpec[];
  readonly #lifecycle: Lifecycle;
  readonly #guard = startGuard();
  readonly #running = new Map<MemberName, Started>();
  /** Why nothing more can be measured. */
  #broken: string | undefined;

  /** @param lifecycle stops them in reverse order, and removes the folder last */
  constructor(folder: string, addresses: Addresses, lifecycle: Lifecycle, signal: AbortSignal) {
    this.signal = signal;
    this.#lifecycle = lifecycle;
    this.#guard.remove(folder);
    lifecycle.add('the folder', async () => rmSync(folder, { recursive: true, force: true, maxRetries: 5 }));
    lifecycle.add('what is left', () => this.#guard.close());
    lifecycle.add('the account', async () => this.costs.stop());
    this.#specs = [
      postgresSpec('source', folder, addresses),
      postgresSpec('analytics', folder, addresses),
      ...partSpecs(folder, addresses),
      ...PROGRAMS.map((program) => programSpec(program, folder, addresses)),
    ];
  }

  /** Starts it unless it runs; resolves when it is ready. */
  async begin(name: MemberName): Promise<Started> {
    const already = this.#running.get(name);
    if (already !== undefined) return already;
    const spec = this.#specs.find((candidate) => candidate.name === name);
    if (spec === undefined) throw new Error(`the stack has no ${name}`);
    const onSpawn = (pid: number): void => {
      this.#guard.watch(pid, POSTGRES.includes(name) ? 'SIGINT' : 'SIGTERM');
      // One that runs to its end has usually finished before anybody can look.
      if (spec.once !== true) this.costs.watch(nameOf(name), pid, POSTGRES.includes(name));
    };
    const started = await spec.start({ onSpawn, signal: this.signal });
    this.#running.set(name, started);
    this.#lifecycle.add(name, () => this.end(name));
    if (spec.once !== true) {
      void started.exited.then(() => {
        if (this.#running.get(name) === started) this.#broken ??= `${name} has ended; see ${started.logFile}`;
      });
    }
    return started;
  }

  /** Runs it to its end. @throws Error if it fails */
  async finish(name: MemberName): Promise<void> {
    const { exited, logFile } = await this.begin(name);
    const { code } = await exited;
    if (code !== 0) throw new Error(`${name} ended with code ${code}; see ${logFile}`);
  }

  async end(name: MemberName): Promise<void> {
    const started = this.#running.get(name);
    if (started === undefined) return;
    this.#running.delete(name);
    // Its use from here on is not counted.
    this.costs.read();
    await started.stop();
  }

  /** Waits between two looks. @throws Error if a part has ended that should not, or everything is to end */
  async pause(milliseconds = LOOK_MS): Promise<void> {
    if (this.#broken !== undefined) throw new Error(this.#broken);
    this.signal.throwIfAborted();
    await sleep(milliseconds);
  }
}
