import { randomUUID } from 'node:crypto';
import type { Log } from '#libs/platform/log.ts';
import type { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import { type Database, type DatabaseAddress, isDatabaseFault } from '#libs/platform/postgres/database.ts';
import { listenForNotifications } from '#libs/platform/postgres/listen.ts';
import { WAKE_CHANNEL } from '#libs/store/keys/marks.ts';
import { runSql } from '#libs/store/runs/statements.ts';

export interface NotifyBusOptions {
  readonly db: Database;
  readonly address: DatabaseAddress;
  readonly wake: WorkSignal;
  readonly log: Log;
}

/**
 * Passes wakes on between the processes of one analytics database. Each process polls besides, so a wake that is lost
 * costs a second and nothing else; that is why it is said outside of the transaction that it is about, where it would
 * make commits wait for each other.
 */
export function startNotifyBus({ db, address, wake, log }: NotifyBusOptions): { stop(): Promise<void> } {
  const own = randomUUID();
  const caller = new Caller(db, own, log);
  const calls = wake.called.subscribe(() => caller.call());
  const listener = listenForNotifications({
    address,
    channel: WAKE_CHANNEL,
    log,
    onMessage: (payload) => {
      if (payload !== own) wake.receive();
    },
  });
  return {
    stop: async () => {
      calls.unsubscribe();
      await Promise.all([listener.stop(), caller.finished()]);
    },
  };
}

/** One call is under way at most; however often it is wanted meanwhile, one more follows. */
class Caller {
  readonly #db: Database;
  readonly #payload: string;
  readonly #log: Log;
  #wanted = false;
  #running: Promise<void> | undefined;

  constructor(db: Database, payload: string, log: Log) {
    this.#db = db;
    this.#payload = payload;
    this.#log = log;
  }

  call(): void {
    this.#wanted = true;
    this.#running ??= this.#run().finally(() => {
      this.#running = undefined;
    });
  }

  async finished(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    while (this.#wanted) {
      this.#wanted = false;
      try {
        await this.#db.query(runSql.notify, [WAKE_CHANNEL, this.#payload]);
      } catch (error) {
        // The others look by themselves within a second.
        if (!isDatabaseFault(error)) this.#log.warn({ err: error }, 'other processes could not be woken');
      }
    }
  }
}
