import type { Subscriber } from 'rxjs';
import { type Clock, systemClock } from '#libs/domain/clock.ts';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { type SourceNames, sourceNames } from '#libs/domain/source-tables/names.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import {
  type ChangeBatch,
  type Delivery,
  PGOUTPUT_STREAM,
  type ProgressStore,
  type SourceStatus,
} from '../contract.ts';
import { handOver } from '../delivery.ts';
import { stillUnreadable, type UnreadableLog } from '../postgres/faults.ts';
import type { StatusBoard } from './status.ts';

export interface PgoutputOptions {
  /** The source database; its user needs REPLICATION and SELECT on the five tables. */
  readonly address: DatabaseAddress;
  readonly progress: ProgressStore;
  /** Created for exactly the five tables if absent. Lower-case letters, digits, underscores. Default `prepadata`. */
  readonly publication?: string;
  /** Slots are named `<prefix>_<epoch>`. Same characters. Default `prepadata`. */
  readonly slotPrefix?: string;
  /** The schema and names of the five tables. Default: in `public`, as an LMSConnector names them. */
  readonly names?: SourceNames;
  /** `none`: create a slot even if the server does not limit the log kept for it. Default `required`. */
  readonly slotLimit?: 'required' | 'none';
  /** Maximum number of changes in one batch. Default 1000. */
  readonly maxBatch?: number;
  /** The same for rows of an initial snapshot. Default: as many as changes. */
  readonly snapshotBatch?: number;
  /** The name under which progress is kept. Default {@link PGOUTPUT_STREAM}. */
  readonly stream?: string;
  /** Minimum time between two batches with progress but no changes, milliseconds. Default 10,000. */
  readonly idleEvery?: number;
  /** A reader that the server has not heard from for this long leaves the slot to others, milliseconds. Default 60,000. */
  readonly frozenAfter?: number;
  /** A reader with a batch not staged for this long leaves the slot to others, milliseconds. Default 300,000. */
  readonly stuckAfter?: number;
  readonly clock?: Clock;
  /** Called at each change of state, sentence or snapshot count. */
  readonly onStatus?: (status: SourceStatus) => void;
  readonly log?: (level: 'info' | 'warn', message: string) => void;
}

export type PgoutputSettings = Required<PgoutputOptions>;

/** @throws ConfigurationError for a name that Postgres or its replication protocol does not accept unquoted */
export function withPgoutputDefaults(options: PgoutputOptions): PgoutputSettings {
  const settings: PgoutputSettings = {
    snapshotBatch: options.maxBatch ?? 1000,
    publication: 'prepadata',
    slotPrefix: 'prepadata',
    names: sourceNames(),
    slotLimit: 'required',
    maxBatch: 1000,
    stream: PGOUTPUT_STREAM,
    idleEvery: 10_000,
    frozenAfter: 60_000,
    stuckAfter: 300_000,
    clock: systemClock,
    onStatus: () => {},
    log: () => {},
    ...options,
  };
  for (const [what, name] of [
    ['publication', settings.publication],
    ['slot prefix', settings.slotPrefix],
    ['schema', settings.names.schema],
  ] as const) {
    if (!/^[a-z_][a-z0-9_]{0,49}$/.test(name)) {
      throw new ConfigurationError(
        `"${name}" cannot be the name of the ${what}`,
        'use 1 to 50 lower-case letters, digits and underscores, not beginning with a digit',
      );
    }
  }
  if (!Number.isInteger(settings.maxBatch) || settings.maxBatch < 1) {
    throw new ConfigurationError(`a batch cannot hold ${settings.maxBatch} changes`, 'use a whole number from 1 on');
  }
  return settings;
}

/** What the steps of one subscription share. */
export class Subscription {
  readonly settings: PgoutputSettings;
  readonly signal: AbortSignal;
  readonly status: StatusBoard;
  readonly #subscriber: Subscriber<Delivery>;
  #delivered = 0;
  readonly #unreadable = new Set<string>();
  /** We were connected to the database before. */
  wasThere = false;
  /** The log was followed before: everything at the source was in order. */
  hasFollowed = false;
  /** Why the epoch's log cannot be read any further, once that is known. */
  unreadable: string | undefined;

  constructor(settings: PgoutputSettings, status: StatusBoard, subscriber: Subscriber<Delivery>, signal: AbortSignal) {
    this.settings = settings;
    this.status = status;
    this.#subscriber = subscriber;
    this.signal = signal;
  }

  /** How many batches are done. */
  get delivered(): number {
    return this.#delivered;
  }

  /**
   * Makes the next session begin a new epoch.
   * @throws UnrecoverableError when one was begun for the same reason before: another will not help
   */
  giveUpLog(error: UnreadableLog): void {
    if (this.#unreadable.has(error.message)) throw stillUnreadable(error);
    this.#unreadable.add(error.message);
    this.unreadable = error.message;
  }

  /** Resolves when the batch is done. */
  async deliver(batch: ChangeBatch): Promise<void> {
    await handOver(this.#subscriber, batch, this.signal);
    this.#delivered += 1;
  }
}
