import { messageOf } from '#libs/domain/errors.ts';
import { within } from '#libs/platform/retry.ts';
import type { Progress } from '../contract.ts';
import { Stopped } from '../delivery.ts';
import { encodingOf } from '../postgres/encoding.ts';
import { Waiting } from '../postgres/faults.ts';
import { readNow } from '../postgres/server.ts';
import { hasMoved, hasSameIdentity, type Origin, readSignature } from '../postgres/signature.ts';
import { costOf, readSlots, slotName } from '../postgres/slot.ts';
import { noteOrigin } from './progress.ts';
import { ChangeQueue } from './queue.ts';
import type { ReplicationSession } from './session.ts';
import { openStream } from './stream.ts';

/** How often to ask the server where its log ends and what it publishes, milliseconds. */
const WATCH_EVERY = 5_000;
/** A server that does not answer for this long counts as gone, milliseconds: a dead connection reports nothing. */
const WATCH_LIMIT = 10_000;
/** The server hears from us at least this often, milliseconds; more often if it would time out earlier. */
const STATUS_EVERY = 10_000;

/**
 * Follows the log of an epoch's slot from `start` and delivers its changes, until something fails.
 * @param origin what is followed
 */
export async function follow(
  session: ReplicationSession,
  epoch: number,
  start: bigint,
  origin: Origin,
): Promise<never> {
  const { run, control, signal } = session;
  const { settings, status } = run;
  const slot = slotName(settings.slotPrefix, epoch);
  // From here on we query this connection every few seconds. A frozen process sends no queries, but its operating system keeps
  // its connections alive; so the server itself ends the session, and its lock goes to another reader. Should the process wake
  // again, what it then stages is either of the same epoch, and changes nothing, or of an older one, and is refused.
  await control.query(`SET idle_session_timeout = ${settings.frozenAfter}`);
  const now = await readNow(control);
  const statusEvery = await readStatusEvery(session);
  const encoding = await encodingOf(control);
  status.heard(now.walEnd);
  status.applied(start);
  await tellSlot(session, slot, now.walEnd);

  const queue = new ChangeQueue(start, settings.maxBatch);
  const stop = (): void => queue.fail(new Stopped());
  signal.addEventListener('abort', stop, { once: true });
  let delivering = false;
  // The stream is closed at once, even while a batch is under way: a server that shuts down waits for its readers.
  const fail = (error: Error): void => {
    queue.fail(error);
    stream.close();
    if (delivering && !signal.aborted) status.say('waiting', `${messageOf(error)}; the batch under way ends first`);
  };
  session.onControlLost = fail;
  // Cut off from the analytics database, this process would wait for ever, while another may reach it. The batch under way is
  // then staged by both, or refused, as above. If there is no other process, this one goes on once its batch is staged.
  const leave = (): void => {
    control.query('SELECT pg_advisory_unlock_all()').catch(() => {});
    const minutes = Math.round(settings.stuckAfter / 60_000);
    fail(new Waiting(`a batch has not been staged for ${minutes} minutes; any other process may read meanwhile`));
  };
  const idle = new IdleTimer(queue, settings.idleEvery);
  let started = false;
  const stream = openStream({
    address: settings.address,
    slot,
    publication: settings.publication,
    names: settings.names,
    epoch,
    start,
    latestXid: now.xid,
    encoding,
    statusEvery,
    queue,
    onStart: () => {
      started = true;
      run.hasFollowed = true;
      status.say('streaming', `following the slot ${slot} of epoch ${epoch}`);
    },
    onHeard: (walEnd) => status.heard(walEnd),
    onIdle: () => idle.noticed(),
    onFailure: fail,
  });
  const sentry = new Sentry(session, epoch, slot, origin);
  let looking = false;
  const watch = setInterval(() => {
    if (looking) return;
    looking = true;
    within(WATCH_LIMIT, sentry.look(started), silent).then(() => {
      looking = false;
    }, fail);
  }, WATCH_EVERY);
  try {
    signal.throwIfAborted();
    for (;;) {
      await queue.ready();
      const { changes, applied } = queue.take();
      stream.resume();
      const progress: Progress | undefined =
        applied === undefined ? undefined : { stream: settings.stream, epoch, applied };
      // A connection that breaks meanwhile is noticed afterwards: the subscriber still has the batch.
      delivering = true;
      const stuck = setTimeout(leave, settings.stuckAfter);
      await run
        .deliver({ changes, of: { stream: settings.stream, epoch }, ...(progress && { progress }) })
        .finally(() => clearTimeout(stuck));
      delivering = false;
      if (progress === undefined) continue;
      stream.confirm(progress.applied);
      status.applied(progress.applied);
      idle.told();
    }
  } finally {
    signal.removeEventListener('abort', stop);
    clearInterval(watch);
    idle.close();
    stream.close();
  }
}

/** @returns whether a process of the server sends what is in the slot */
async function tellSlot({ run, control }: ReplicationSession, name: string, walEnd: bigint): Promise<boolean> {
  const slots = await readSlots(control, run.settings.slotPrefix);
  const slot = slots.find((candidate) => candidate.slot_name === name);
  run.status.slot(slot === undefined ? undefined : costOf(slot, walEnd));
  return typeof slot?.active_pid === 'number';
}

/** Regularly checks what the stream does not show: what the slot costs, and whether the source has changed. */
class Sentry {
  readonly #session: ReplicationSession;
  readonly #epoch: number;
  readonly #slot: string;
  #origin: Origin;

  constructor(session: ReplicationSession, epoch: number, slot: string, origin: Origin) {
    this.#session = session;
    this.#epoch = epoch;
    this.#slot = slot;
    this.#origin = origin;
  }

  /**
   * @param started whether the server had begun to send before this
   * @throws Waiting when the source has to be checked again, or its server has given up a stream that seems open to us: a
   *   firewall may drop one connection without a word, and leave the other
   */
  async look(started: boolean): Promise<void> {
    const { run, control } = this.#session;
    const { walEnd } = await readNow(control);
    run.status.heard(walEnd);
    const isSent = await tellSlot(this.#session, this.#slot, walEnd);
    if (started && !isSent)
      throw new Waiting(`the source server no longer sends what is in the slot ${this.#slot}; connecting anew`);
    const { publication, names } = run.settings;
    const { identity, signature: before } = this.#origin;
    const signature = await readSignature(control, publication, names);
    if (signature === before) return;
    if (hasMoved(before, signature) || !hasSameIdentity(before, signature))
      throw new Waiting('the publication or a table of the source was changed; looking at it anew');
    this.#origin = { identity, signature };
    await noteOrigin(run, this.#epoch, this.#origin);
  }
}

const silent = (): Waiting =>
  new Waiting(`the source server has not answered for ${WATCH_LIMIT / 1000} s; connecting anew`);

async function readStatusEvery(session: ReplicationSession): Promise<number> {
  const result = await session.control.query<{ timeout: number }>(
    `SELECT setting::int AS timeout FROM pg_settings WHERE name = 'wal_sender_timeout'`,
  );
  const timeout = result.rows[0]?.timeout ?? 0;
  return timeout === 0 ? STATUS_EVERY : Math.min(STATUS_EVERY, Math.max(50, Math.floor(timeout / 3)));
}

/**
 * Traffic that does not concern us advances the log. The log's end is then delivered as progress without changes, so that
 * the server need not keep it for us, but not often.
 */
class IdleTimer {
  readonly #queue: ChangeQueue;
  readonly #every: number;
  #timer: NodeJS.Timeout | undefined;
  #toldAt = performance.now();

  constructor(queue: ChangeQueue, every: number) {
    this.#queue = queue;
    this.#every = every;
  }

  noticed(): void {
    this.#timer ??= setTimeout(
      () => {
        this.#timer = undefined;
        this.#queue.flushProgress();
      },
      Math.max(0, this.#toldAt + this.#every - performance.now()),
    );
  }

  told(): void {
    this.#toldAt = performance.now();
  }

  close(): void {
    clearTimeout(this.#timer);
  }
}
