import { type ChildProcess, spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { endProcess, identifyProcess, type ProcessIdentity } from '#libs/platform/process-identity.ts';

/*
 * A small process that outlives the one that started it: when that one ends, in whatever way, the guard ends the processes
 * that it was told to watch and not to forget, newest first. It notices by a pipe, which the system closes even after
 * a kill -9.
 */

type Order =
  | { readonly watch: ProcessIdentity; readonly ask: NodeJS.Signals }
  | { readonly forget: number }
  | { readonly remove: string };

/** The handle by which this process talks to its guard. */
export interface Guard {
  readonly pid: number;
  /** @param ask the signal on which it ends in an orderly way; after a deadline it is killed */
  watch(pid: number, ask?: NodeJS.Signals): void;
  forget(pid: number): void;
  /** Names a folder to be removed at the end. */
  remove(folder: string): void;
  /** Has the guard end what is left, and exit. */
  close(): Promise<void>;
}

export function startGuard(): Guard {
  const child = spawn(process.execPath, ['libs/platform/launch.mjs', fileURLToPath(import.meta.url), '--guard'], {
    cwd: fileURLToPath(new URL('../../..', import.meta.url)),
    // It must not end with the npm that it outlives.
    env: { ...process.env, npm_lifecycle_event: undefined },
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  child.once('error', () => {});
  // It must not keep this process alive.
  child.unref();
  const { stdin } = child;
  stdin.on('error', () => {});
  (stdin as unknown as { unref?(): void }).unref?.();
  const order = (what: Order): void => {
    stdin.write(`${JSON.stringify(what)}\n`);
  };
  return {
    pid: child.pid ?? 0,
    watch: (pid, ask = 'SIGTERM') => {
      const who = identifyProcess(pid);
      if (who !== undefined) order({ watch: who, ask });
    },
    forget: (pid) => order({ forget: pid }),
    remove: (folder) => order({ remove: folder }),
    close: async () => {
      child.ref();
      stdin.end();
      await gone(child);
    },
  };
}

const gone = (child: ChildProcess): Promise<void> =>
  new Promise((resolve) => {
    if (child.exitCode !== null || child.signalCode !== null) resolve();
    else child.once('exit', () => resolve());
  });

const DEADLINE_MS = 5_000;

async function guard(): Promise<void> {
  // A signal to the whole group is meant for the others; the guard ends what they leave behind.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  const watched = new Map<number, { who: ProcessIdentity; ask: NodeJS.Signals }>();
  const folders: string[] = [];
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line) as Order;
    if ('watch' in order) watched.set(order.watch.pid, { who: order.watch, ask: order.ask });
    else if ('forget' in order) watched.delete(order.forget);
    else folders.push(order.remove);
  }
  for (const { who, ask } of [...watched.values()].toReversed())
    await endProcess(who, { ask, deadlineMs: DEADLINE_MS });
  for (const folder of folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 200 });
}

if (process.argv[2] === '--guard' && process.argv[1] === fileURLToPath(import.meta.url)) await guard();
