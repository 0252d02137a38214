import { type Clock, systemClock } from '#libs/domain/clock.ts';
import { type Database, loadStatements } from '#libs/platform/postgres/database.ts';
import { Backoff, LAST_RETRY_MS, sleep } from '#libs/platform/retry.ts';
import { act, type LiveKind } from './live-actions.ts';
import { type LiveState, loadLiveState } from './live-state.ts';
import { HOUR, localMillis, SECOND } from './local-time.ts';
import { type Random, randomFrom } from './random.ts';
import { resync } from './resync.ts';

const sql = loadStatements(new URL('./sql/', import.meta.url), ['lock_campus']);

/** At most this many things happen in one step, each committed on its own. */
const MOST_PER_STEP = 4;

export interface LiveEvent {
  /** Milliseconds since 1970-01-01T00:00Z. */
  readonly at: number;
  readonly kind: LiveKind | 'resync';
  /** What happened, in one sentence without a full stop. */
  readonly sentence: string;
}

export interface LiveTrouble {
  readonly error: Error;
  /** How long it waits before the next attempt. */
  readonly retryInMs: number;
}

export interface LiveOptions {
  readonly seed: string;
  readonly clock?: Clock;
  /** The zone of the source's timestamps; default UTC. */
  readonly timeZone?: string;
  /** Milliseconds between two steps by day; nights are a little slower. Default 1000. */
  readonly paceMs?: number;
  /** Milliseconds between two re-syncs, each of one course; 0 for none. Default 5 minutes. */
  readonly resyncEveryMs?: number;
  /** The longest wait between attempts while the database is away, milliseconds. Default 15 s. */
  readonly longestRetryMs?: number;
  readonly onEvent?: (event: LiveEvent) => void;
  readonly onTrouble?: (trouble: LiveTrouble) => void;
}

export interface LiveCampus {
  /** Ends it; resolves when the running step is done. Safe to call twice. */
  stop(): Promise<void>;
}

/** The living campus as single steps, for callers with their own rhythm. */
export interface LiveSteps {
  /** Does a handful of things, each in a transaction of its own. @throws what the database throws */
  step(): Promise<readonly LiveEvent[]>;
  /** Re-syncs one course chosen at random; null on an empty campus. */
  resyncOne(): Promise<LiveEvent | null>;
  /** How much slower it is now than by day, 1 to 1.6. */
  slowness(): number;
}

export function liveSteps(db: Database, options: LiveOptions): LiveSteps {
  const clock = options.clock ?? systemClock;
  // A restarted campus should not repeat what it did before.
  const random = randomFrom(`${options.seed}/live/${clock.now()}`);
  const local = () => localMillis(clock.now(), options.timeZone);
  let state: LiveState | undefined;

  /** After a failure the state is dropped, and read from the database again. */
  const withState = async <T>(work: (state: LiveState) => Promise<T>): Promise<T> => {
    try {
      state ??= await loadLiveState(db, local(), random);
      return await work(state);
    } catch (error) {
      state = undefined;
      throw error;
    }
  };

  const happen = (known: LiveState) =>
    db.transaction(async (tx) => {
      await tx.query(sql.lock_campus);
      return act({ tx, state: known, random, now: local() });
    });

  return {
    step: () =>
      withState(async (known) => {
        const events: LiveEvent[] = [];
        for (let left = random.int(1, MOST_PER_STEP); left > 0; left -= 1) {
          const deed = await happen(known);
          if (deed === null) continue;
          const event = { at: clock.now(), ...deed };
          events.push(event);
          quietly(() => options.onEvent?.(event));
        }
        return events;
      }),
    resyncOne: () =>
      withState(async (known) => {
        const event = await resyncSome(db, known, random, clock, options.timeZone);
        if (event !== null) quietly(() => options.onEvent?.(event));
        return event;
      }),
    slowness: () => 1.3 - 0.3 * Math.cos(((local() / HOUR - 15) / 12) * Math.PI),
  };
}

async function resyncSome(
  db: Database,
  state: LiveState,
  random: Random,
  clock: Clock,
  timeZone?: string,
): Promise<LiveEvent | null> {
  if (state.courses.length === 0) return null;
  const course = random.pick(state.courses);
  const zone = timeZone === undefined ? {} : { timeZone };
  const rows = await resync(db, { courseId: course.id, clock, ...zone });
  const sentence =
    `the connector wrote ${course.name} again: ` +
    `${rows.enrollments} enrolments, ${rows.grades} grades, ${rows.completions} completions, nothing new among them`;
  return { at: clock.now(), kind: 'resync', sentence };
}

/**
 * Lets the campus live until stopped: every second or so a handful of clicks, submissions and marks, now and then a
 * correction, and every few minutes a careless re-sync of one course. Never throws: while the database is away it
 * calls `onTrouble` and tries again, after ever longer waits up to a limit.
 */
export function liveOn(db: Database, options: LiveOptions): LiveCampus {
  const steps = liveSteps(db, options);
  const ending = new AbortController();
  const running = live(steps, options, ending.signal);
  return {
    stop: async () => {
      ending.abort();
      await running;
    },
  };
}

async function live(steps: LiveSteps, options: LiveOptions, signal: AbortSignal): Promise<void> {
  const pace = options.paceMs ?? SECOND;
  const resyncEvery = options.resyncEveryMs ?? 5 * 60 * SECOND;
  let resyncAt = performance.now() + resyncEvery;
  const backoff = new Backoff({ last: options.longestRetryMs ?? LAST_RETRY_MS });
  while (!signal.aborted) {
    try {
      await steps.step();
      if (resyncEvery > 0 && performance.now() >= resyncAt && !signal.aborted) {
        await steps.resyncOne();
        resyncAt = performance.now() + resyncEvery;
      }
      backoff.reset();
      await sleep(pace * steps.slowness(), signal);
    } catch (cause) {
      const retryInMs = backoff.next;
      const error = cause instanceof Error ? cause : new Error(String(cause));
      quietly(() => options.onTrouble?.({ error, retryInMs }));
      await backoff.wait(signal);
    }
  }
}

/** A callback that fails must not end the campus. */
function quietly(tell: () => void): void {
  try {
    tell();
  } catch {
    // The listener itself is at fault, and there is nobody else to tell.
  }
}
