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
  /** Made for exactly the five tables if it is absent. Lower-case letters, digits, underscores. Default `prepadata`. */
  readonly publication?: string;
  /** Slots are named `<prefix>_<epoch>`. Same letters. Default `prepadata`. */
  readonly slotPrefix?: string;
  /** Where the five tables are, and what they are called. Default: in `public`, as an LMSConnector calls them. */
  readonly names?: SourceNames;
  /** `none`: make a slot also where the server sets no limit to the log that it keeps. Default `required`. */
  readonly slotLimit?: 'required' | 'none';
  /** Changes in one batch at most. Default 1000. */
  readonly maxBatch?: number;
  /** The same for rows of an initial snapshot. Default: as many as changes. */
  readonly snapshotBatch?: number;
  /** Under which name progress is kept. Default {@link PGOUTPUT_STREAM}. */
  readonly stream?: string;
  /** At least so long between two batches that carry progress and no change, milliseconds. Default 10,000. */
  readonly idleEvery?: number;
  /** A reader of which its server has heard nothing for so long leaves the slot to others, milliseconds. Default 60,000. */
  readonly frozenAfter?: number;
  /** A reader one of whose batches is not staged for so long leaves the slot to others, milliseconds. Default 300,000. */
  readonly stuckAfter?: number;
  readonly clock?: Clock;
  /** Told at each change of state, sentence or snapshot count. */
  readonly onStatus?: (status: SourceStatus) => void;
  readonly log?: (level: 'info' | 'warn', message: string) => void;
}

export type PgoutputSettings = Required<PgoutputOptions>;

/** @throws ConfigurationError for a name that Postgres or its replication protocol does not take as it is */
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

/** One subscription: what its steps share. */
export class Subscription {
  readonly settings: PgoutputSettings;
  readonly signal: AbortSignal;
  readonly status: StatusBoard;
  readonly #subscriber: Subscriber<Delivery>;
  #delivered = 0;
  readonly #unreadable = new Set<string>();
  /** The database took a connection of ours before. */
  wasThere = false;
  /** The log was followed before: everything about the source was in order. */
  hasFollowed = false;
  /** Why the log of the epoch cannot be read on, once that was found out. */
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
   * The next session begins a new epoch.
   * @throws UnrecoverableError when one was begun for the same reason before: it will not help
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

/** `host:port/database`, as an operator knows it. */
export const placeOf = (address: DatabaseAddress): string => `${address.host}:${address.port}/${address.database}`;
