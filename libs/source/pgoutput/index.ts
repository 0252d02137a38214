import type pg from 'pg';
import { Observable, type Subscriber } from 'rxjs';
import { messageOf, PrepaError } from '#libs/domain/errors.ts';
import { type SourceNames, sourceNames } from '#libs/domain/source-tables/names.ts';
import { type DatabaseAddress, placeOf } from '#libs/platform/postgres/database.ts';
import { refuseUselessPooler } from '#libs/platform/postgres/pooler.ts';
import { Backoff } from '#libs/platform/retry.ts';
import type { ChangeSource, Delivery, SlotStatus } from '../contract.ts';
import { Stopped } from '../delivery.ts';
import { sortFailure, UnreadableLog, untilRight, Waiting } from '../postgres/faults.ts';
import { openLink } from '../postgres/link.ts';
import { checkTables } from '../postgres/preflight.ts';
import { ensurePublication } from '../postgres/publication.ts';
import { slotInUse } from '../postgres/remedies.ts';
import { readNow } from '../postgres/server.ts';
import { costOf, dropSlots, readOwnSlots } from '../postgres/slot.ts';
import { type PgoutputOptions, Subscription, withPgoutputDefaults } from './options.ts';
import { runSession } from './run-session.ts';
import { StatusBoard } from './status.ts';

export type { PgoutputOptions } from './options.ts';

/**
 * Checks that a database can be followed, as every start does, and creates the publication if it is absent.
 * @throws ConfigurationError, UnrecoverableError saying what is wrong and what to do; the driver's errors
 */
export async function checkSource(address: DatabaseAddress, publication: string, names: SourceNames): Promise<void> {
  await onSource(address, async (client) => {
    const facts = await checkTables(client, names);
    await ensurePublication(client, publication, names, facts);
  });
}

/** The slots of this prefix in a database, and what each costs its server. */
export const listSlots = (address: DatabaseAddress, prefix: string): Promise<SlotStatus[]> =>
  withSorting(address, async (client) => {
    const { walEnd } = await readNow(client);
    const slots = await readOwnSlots(client, prefix, address.database);
    return slots.map((slot) => costOf(slot, walEnd)).sort((a, b) => (a.name < b.name ? -1 : 1));
  });

/**
 * Drops the slots of this prefix, so that the server keeps no more log for us. Later changes are not sent to anybody: the
 * next start reads everything anew.
 * @returns the names of the slots dropped
 * @throws ConfigurationError while one of them is being read
 */
export const dropAllSlots = (address: DatabaseAddress, prefix: string): Promise<string[]> =>
  withSorting(address, async (client) => {
    const slots = await readOwnSlots(client, prefix, address.database);
    const read = slots.find((slot) => slot.active_pid !== null);
    if (read !== undefined) throw slotInUse(read.slot_name, read.active_pid);
    await dropSlots(client, slots);
    return slots.map((slot) => slot.slot_name);
  });

/** Does some work on a connection of its own. */
async function onSource<T>(address: DatabaseAddress, work: (client: pg.Client) => Promise<T>): Promise<T> {
  const { signal } = new AbortController();
  await refuseUselessPooler(address, `the source database ${placeOf(address)}`, signal);
  const link = await openLink(address, 'check', 'sql', signal, () => {});
  try {
    return await work(link.client);
  } finally {
    link.close();
  }
}

/** The same for an operator, who is told what is wrong and what to do. */
const withSorting = <T>(address: DatabaseAddress, work: (client: pg.Client) => Promise<T>): Promise<T> =>
  onSource(address, work).catch((error: unknown) => {
    throw sortFailure(error, address, sourceNames());
  });

/**
 * Follows a Postgres database directly, by logical replication.
 *
 * - A new epoch is a new slot, `<prefix>_<epoch>`, and an initial snapshot of all five tables, exported with the slot.
 *   It is begun when nothing is stored, when the stored epoch cannot be continued, when its log cannot be read, or when
 *   its initial snapshot never ended.
 * - Of several processes on the same database and prefix, one reads; the others stand by in state `waiting`.
 * - Whatever reconnecting fixes is retried for ever, in state `waiting`; so is, once the log has been followed, whatever has
 *   to be put right at the source. The observable errors with a ConfigurationError or UnrecoverableError for everything
 *   else. It never completes.
 * - A transaction with `pg_logical_emit_message(true, 'prepadata', …)` is delivered at once as progress, even without
 *   changes; other traffic moves progress on at most every `idleEvery` milliseconds.
 *
 * One subscription at a time; `status()` describes the latest.
 * @throws ConfigurationError for names that cannot be used
 */
export function pgoutputSource(options: PgoutputOptions): ChangeSource {
  const settings = withPgoutputDefaults(options);
  const status = new StatusBoard(settings.clock, settings.onStatus);
  return {
    status: () => status.read(),
    deliveries: () =>
      new Observable<Delivery>((subscriber) => {
        const abort = new AbortController();
        const run = new Subscription(settings, status, subscriber, abort.signal);
        keepRunning(run)
          .catch((error: unknown) => report(subscriber, status, error))
          .catch((error: unknown) => subscriber.error(error));
        return () => {
          abort.abort();
          // After a failure the status already says why.
          if (status.read().state !== 'stopped') status.say('stopped', 'stopped');
        };
      }),
  };
}

async function keepRunning(run: Subscription): Promise<never> {
  const { address, names, log } = run.settings;
  for (const backoff = new Backoff(); ; ) {
    const delivered = run.delivered;
    try {
      await runSession(run);
    } catch (error) {
      if (run.signal.aborted) throw new Stopped();
      if (error instanceof UnreadableLog) run.giveUpLog(error);
      const failure = sortFailure(error, address, names, run.wasThere);
      const sorted = run.hasFollowed && isMendable(failure) ? untilRight(failure) : failure;
      if (!(sorted instanceof Waiting)) throw sorted;
      if (run.delivered > delivered) backoff.reset();
      run.status.say('waiting', messageOf(sorted));
      log('warn', `${messageOf(sorted)}; trying again in ${backoff.next} ms`);
    }
    await backoff.wait(run.signal);
    if (run.signal.aborted) throw new Stopped();
  }
}

/** Failures that cannot be fixed at the source, or only after the program has ended. */
const ENDING = new Set(['source_log_unreadable', 'progress_store']);

/**
 * What was in order while the log was followed may soon be again: a table was renamed or is being restored, a right was revoked.
 * So such a failure ends only a first start.
 */
const isMendable = (failure: Error): failure is PrepaError =>
  failure instanceof PrepaError && !ENDING.has(failure.code);

function report(subscriber: Subscriber<Delivery>, status: StatusBoard, error: unknown): void {
  if (error instanceof Stopped) return;
  status.say('stopped', messageOf(error));
  subscriber.error(error);
}
