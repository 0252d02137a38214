import { concatMap, retry, type Subscription, throwError, timer } from 'rxjs';
import { type Change, lastCommit } from '#libs/domain/change.ts';
import { messageOf, UnrecoverableError } from '#libs/domain/errors.ts';
import { FAMILIES } from '#libs/domain/family.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import type { Log } from '#libs/platform/log.ts';
import type { Metrics } from '#libs/platform/metrics.ts';
import { type Database, isDatabaseFault } from '#libs/platform/postgres/database.ts';
import { Backoff, sleep } from '#libs/platform/retry.ts';
import type { ChangeBatch, ChangeSource, Delivery } from '#libs/source/contract.ts';
import { type StageOptions, type StageResult, stageBatch } from '#libs/store/images/stage.ts';
import { EpochEnded, PartitionBegunAnew } from '#libs/store/progress/progress.ts';
import type { Work } from './work.ts';

export interface IntakeOptions {
  readonly source: ChangeSource;
  readonly db: Database;
  readonly settings: FeatureSettings;
  readonly work: Work;
  readonly log: Log;
  readonly metrics?: Metrics;
  /** The size of a full batch, which means that more changes are queued. Default: no batch is full. */
  readonly fullBatch?: number;
  /** Least time from the start of a small batch to the next batch, milliseconds. Default {@link GATHER_MS}. */
  readonly gatherMs?: number;
  /** Called when the source ends with an error that no retry fixes. */
  onFailure(error: unknown): void;
}

export interface Intake {
  readonly trouble: string | null;
  /** Changes staged since the start. */
  readonly staged: number;
  /** Those of them that did not come from a snapshot. */
  readonly streamed: number;
  /** Takes no further batch, and resolves when the current one is committed. */
  stop(): Promise<void>;
}

/**
 * Gathers single changes into batches when more than a hundred come per second: staging, deriving and announcing one change
 * costs nearly as much as ten. A change that comes alone is not delayed. Milliseconds.
 */
const GATHER_MS = 10;
/** From so many changes on, a batch is not small. */
const LARGE_BATCH = 50;

/** Changes older than this may as well wait until everything is staged before they are derived. Milliseconds. */
const LATE_MS = 5_000;

/** Pause before a source whose batch was refused is subscribed to again, so that it leaves its consumer group. Milliseconds. */
const ANEW_MS = 1_000;

const isBegunAnew = (error: unknown): boolean => error instanceof PartitionBegunAnew;

/** Stages the batches of a source, one at a time, and tells the derivers. */
export const startIntake = (options: IntakeOptions): Intake => new IntakeWorker(options);

/** Changes of a snapshot count as late: their commit times are unknown. */
function isLate(changes: readonly Change[]): boolean {
  const last = lastCommit(changes);
  return last === null || Date.now() - last > LATE_MS;
}

class IntakeWorker implements Intake {
  trouble: string | null = null;
  staged = 0;
  streamed = 0;
  readonly #options: IntakeOptions;
  readonly #stopping = new AbortController();
  readonly #subscription: Subscription;
  #atWork: Promise<void> = Promise.resolve();

  constructor(options: IntakeOptions) {
    this.#options = options;
    this.#subscription = options.source
      .deliveries()
      .pipe(
        concatMap((delivery) => {
          this.#atWork = this.#take(delivery);
          return this.#atWork;
        }),
        // The source then asks for the current offsets of its partitions and continues from there.
        retry({ delay: (error: unknown) => (isBegunAnew(error) ? timer(ANEW_MS) : throwError(() => error)) }),
      )
      .subscribe({
        error: (error: unknown) => {
          this.trouble = messageOf(error);
          options.onFailure(error);
        },
      });
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    // The current batch is finished first: the source confirms only what is committed, and drops the rest.
    await this.#atWork.catch(() => {});
    this.#subscription.unsubscribe();
  }

  async #take(delivery: Delivery): Promise<void> {
    if (this.#stopping.signal.aborted) return;
    const beganAt = performance.now();
    const done = await this.#stage(delivery.batch, {});
    if (!done) return;
    const { changes } = delivery.batch;
    const { work, fullBatch = Number.POSITIVE_INFINITY, gatherMs = GATHER_MS } = this.#options;
    work.fallBehind(changes.length >= fullBatch && isLate(changes));
    this.staged += changes.length;
    for (const { op } of changes) if (op !== 'read') this.streamed += 1;
    // The source delivers the next batch once this one is done; until then changes queue up there.
    const leftMs = gatherMs - (performance.now() - beganAt);
    if (leftMs > 0 && changes.length > 0 && changes.length < LARGE_BATCH) await sleep(leftMs, this.#stopping.signal);
    delivery.done();
  }

  /**
   * Waits for an unreachable database for as long as it takes. A batch that fails for another reason is tried once more
   * and then halved, until the single change that fails by itself is staged as rejected.
   * @returns false if stopped before the batch was committed
   */
  async #stage(batch: ChangeBatch, staging: StageOptions): Promise<boolean> {
    const { db, settings, log } = this.#options;
    const backoff = new Backoff();
    let failures = 0;
    while (!this.#stopping.signal.aborted) {
      try {
        const result = await stageBatch(db, batch, settings.reading, { ...staging, fingerprint: settings.fingerprint });
        this.#staged(result);
        return true;
      } catch (error) {
        if (isDatabaseFault(error)) {
          this.#wait(error);
          await backoff.wait(this.#stopping.signal);
          continue;
        }
        if (error instanceof UnrecoverableError || error instanceof EpochEnded || isBegunAnew(error)) throw error;
        failures += 1;
        if (failures < 2) continue;
        log.error({ err: error, changes: batch.changes.length }, 'a batch could not be staged');
        return this.#halve(batch, staging, error);
      }
    }
    return false;
  }

  async #halve(batch: ChangeBatch, staging: StageOptions, error: unknown): Promise<boolean> {
    const { changes, ...ending } = batch;
    const { progress, of = progress, partitions, isPartOfSnapshot } = batch;
    if (changes.length > 1) {
      const middle = Math.ceil(changes.length / 2);
      // Progress and the end of a snapshot belong to the whole batch, so they go with the second half. The first half is
      // staged only if its partitions are still in that epoch, and moves none of them forward.
      const held = partitions?.map(({ stream, epoch }) => ({ stream, epoch, applied: 0n }));
      return (
        (await this.#stage(
          {
            changes: changes.slice(0, middle),
            ...(isPartOfSnapshot && { isPartOfSnapshot }),
            ...(of && { of }),
            ...(held && { partitions: held }),
          },
          staging,
        )) && (await this.#stage({ ...ending, changes: changes.slice(middle) }, staging))
      );
    }
    if (changes.length === 0 || staging.rejectAs !== undefined) throw error;
    return this.#stage(batch, { rejectAs: 'internal_error' });
  }

  #staged(result: StageResult): void {
    if (this.trouble !== null) this.#options.log.info('intake is working again');
    this.trouble = null;
    const { metrics } = this.#options;
    metrics?.of.prepadata_unreadable_due_dates_total.inc({}, result.warnings.unreadable_due_date);
    metrics?.of.prepadata_activity_other_total.inc({}, result.warnings.activity_other);
    if (result.unnamed) this.#options.work.expectNewCourses();
    this.#options.work.tell({ keys: result.marked, unnamed: result.unnamed ? FAMILIES : [] });
  }

  #wait(error: unknown): void {
    const trouble = `intake waits for the analytics database: ${messageOf(error)}`;
    if (this.trouble === null) this.#options.log.error({ err: error }, trouble);
    this.trouble = trouble;
  }
}
