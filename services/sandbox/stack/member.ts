import { aborted } from '#libs/platform/lifecycle.ts';
import { explain } from '#libs/platform/program.ts';
import { Backoff } from '#libs/platform/retry.ts';
import { describeExit, type Exit, endOfLog, PartEnded, type RunningPart } from './parts/process.ts';
import type { MemberName } from './programs.ts';

export type MemberState = 'waiting' | 'starting' | 'up' | 'done' | 'down' | 'refused' | 'stopped';

/** The state of a member of the stack, as the screen shows it; can be stored as JSON. */
export interface MemberView {
  readonly name: MemberName;
  readonly state: MemberState;
  /** 0 while there is no process. */
  readonly pid: number;
  /** Time from start to readiness, the last time. */
  readonly tookMs: number | null;
  /** Milliseconds since 1970 of the last change of state. */
  readonly since: number;
  /** Starts after the first. */
  readonly restarts: number;
  /** One line: its address, what it waits for, why it is down. */
  readonly note: string;
}

export interface Started extends Pick<RunningPart, 'pid' | 'exited' | 'stop'> {
  readonly logFile: string;
  /** Shown beside it. */
  readonly note: string;
}

export interface MemberSpec {
  readonly name: MemberName;
  readonly needs: readonly MemberName[];
  /** Others wait for it to end (with exit code 0). */
  readonly once?: boolean;
  /** A program of ours: it exits with 2 or 3 if a restart cannot help. */
  readonly isOurs?: boolean;
  /** Starts it and resolves when it is ready. */
  start(launch: { onSpawn(pid: number): void; signal: AbortSignal }): Promise<Started>;
}

export interface MemberHooks {
  onSpawn(name: MemberName, pid: number): void;
  onGone(name: MemberName, pid: number): void;
  onChange(view: MemberView): void;
  /** Called when a server that others need did not start at all. */
  onFailure(error: unknown): void;
}

/** Starting a server takes seconds, and takes CPU from the others. */
const RESTART_MS = { first: 1_000, last: 30_000 };
/** After this long the next wait is the first one again. */
const SETTLED_MS = 60_000;
/** Exit codes for a wrong configuration, and for a schema or data, which a restart does not change. */
const REFUSALS: readonly (number | null)[] = [2, 3];

/** One process of the stack: started when what it needs is up, and restarted when it ends, unless it refuses. */
export class Member {
  readonly spec: MemberSpec;
  /** Resolves when it is ready for the first time, or done; never if it refuses. */
  readonly up: Promise<void>;
  readonly #hooks: MemberHooks;
  readonly #stopping = new AbortController();
  #view: MemberView;
  #started: Started | undefined;
  #running: Promise<void> = Promise.resolve();
  #resolveUp: () => void = () => {};

  constructor(spec: MemberSpec, hooks: MemberHooks) {
    this.spec = spec;
    this.#hooks = hooks;
    this.#view = {
      name: spec.name,
      state: 'waiting',
      pid: 0,
      tookMs: null,
      since: Date.now(),
      restarts: 0,
      note: spec.needs.length === 0 ? '' : `for ${spec.needs.join(', ')}`,
    };
    this.up = new Promise((resolve) => {
      this.#resolveUp = resolve;
    });
  }

  get view(): MemberView {
    return this.#view;
  }

  /** @param needed resolves when all that it needs is up */
  run(needed: Promise<unknown>): void {
    const stopped = aborted(this.#stopping.signal);
    this.#running = Promise.race([needed, stopped]).then(() => this.#keepUp(stopped));
  }

  /** Ends it for good; resolves when it is gone. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    await this.#running;
    if (this.#started !== undefined) {
      await this.#started.stop();
      this.#gone();
    }
    if (this.#view.state !== 'refused' && this.#view.state !== 'done') this.#show('stopped', { note: '' });
  }

  async #keepUp(stopped: Promise<void>): Promise<void> {
    const { signal } = this.#stopping;
    const backoff = new Backoff(RESTART_MS);
    for (let isFirst = true; !signal.aborted; isFirst = false) {
      const upSince = Date.now();
      const why = await this.#once(stopped, isFirst);
      if (why === undefined || signal.aborted) return;
      if (Date.now() - upSince > SETTLED_MS) backoff.reset();
      this.#show('down', {
        note: `${why}; starting it again in ${backoff.next / 1000} s`,
        restarts: this.#view.restarts + 1,
      });
      await backoff.wait(signal);
    }
  }

  /** Runs it once. @returns why it is to be restarted; undefined: it is not */
  async #once(stopped: Promise<void>, isFirst: boolean): Promise<string | undefined> {
    const began = Date.now();
    this.#show('starting', { note: '', tookMs: null });
    try {
      this.#started = await this.spec.start({ onSpawn: (pid) => this.#spawned(pid), signal: this.#stopping.signal });
    } catch (error) {
      this.#gone();
      return this.#stopping.signal.aborted ? undefined : this.#notStarted(error, isFirst);
    }
    if (this.spec.once !== true) {
      this.#show('up', { note: this.#started.note, tookMs: Date.now() - began });
      this.#resolveUp();
    }
    const exit = await Promise.race([this.#started.exited, stopped]);
    if (exit === undefined) return undefined;
    // Only our own programs end with a telling line; the logs of other servers are full of noise.
    const said = this.spec.isOurs === true ? saidLast(this.#started.logFile) : '';
    this.#started = undefined;
    this.#gone();
    if (this.spec.once === true && exit.code === 0) {
      this.#show('done', { tookMs: Date.now() - began });
      this.#resolveUp();
      return undefined;
    }
    return this.#ended(exit, said);
  }

  #notStarted(error: unknown, isFirst: boolean): string | undefined {
    if (error instanceof PartEnded && this.spec.isOurs === true)
      return this.#ended(error.exit, saidLast(error.logFile));
    if (isFirst && this.spec.isOurs !== true) {
      this.#show('refused', { note: firstLine(explain(error)) });
      this.#hooks.onFailure(error);
      return undefined;
    }
    return firstLine(explain(error));
  }

  #ended(exit: Exit, said: string): string | undefined {
    // A killed process had no time to say why.
    const why = `ended with ${describeExit(exit)}${said === '' || exit.signal !== null ? '' : `: ${said}`}`;
    if (this.spec.isOurs !== true || !REFUSALS.includes(exit.code)) return why;
    this.#show('refused', { note: why });
    return undefined;
  }

  #spawned(pid: number): void {
    this.#show(this.#view.state, { pid });
    this.#hooks.onSpawn(this.spec.name, pid);
  }

  #gone(): void {
    const { pid } = this.#view;
    if (pid === 0) return;
    this.#view = { ...this.#view, pid: 0 };
    this.#hooks.onGone(this.spec.name, pid);
  }

  #show(state: MemberState, change: Partial<MemberView>): void {
    const since = state === this.#view.state ? this.#view.since : Date.now();
    this.#view = { ...this.#view, ...change, state, since };
    this.#hooks.onChange(this.#view);
  }
}

const firstLine = (text: string): string => text.split('\n')[0] ?? '';

/** The last lines for people: not the JSON lines of its log, nor the one that says that it is ready. */
const saidLast = (logFile: string): string =>
  endOfLog(logFile, 40)
    .filter((line) => !line.startsWith('{') && !line.startsWith('ready'))
    .slice(-2)
    .map((line) => line.trim())
    .join(' · ');
