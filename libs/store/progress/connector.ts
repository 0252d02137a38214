import type { Queryable } from '#libs/platform/postgres/database.ts';
import { progressSql } from './statements.ts';

export const CONNECTOR_STATES = ['waiting', 'snapshot', 'streaming', 'paused', 'failed', 'stopped'] as const;
export type ConnectorState = (typeof CONNECTOR_STATES)[number];

/** What is known of a connector that delivers the changes over Kafka. */
export interface ConnectorReport {
  readonly name: string;
  readonly epoch: number | null;
  readonly state: ConnectorState;
  /** One sentence for an operator: what is under way, wrong, or waited for. */
  readonly detail: string;
  readonly slot: string | null;
  /** Bytes of log that the source's server retains because of the slot. */
  readonly retained_bytes: bigint | null;
  /** Bytes that may still be written before the slot is lost; null: the server sets no limit, or there is no slot. */
  readonly safe_bytes: bigint | null;
  /** How often a failed task was restarted since the connector supervisor started. */
  readonly restarts: number;
  /** When Kafka Connect last answered; null: not yet. */
  readonly heard_at: Date | null;
}

export interface StoredConnectorReport extends ConnectorReport {
  readonly updated_at: Date;
}

/** @param report `heard_at` null keeps the stored time */
export async function putConnectorReport(db: Queryable, report: ConnectorReport): Promise<void> {
  const { name, epoch, state, detail, slot, retained_bytes, safe_bytes, restarts, heard_at } = report;
  const heard = heard_at === null ? null : heard_at.getTime();
  await db.query(progressSql.connector_put, [
    name,
    epoch,
    state,
    detail,
    slot,
    retained_bytes,
    safe_bytes,
    restarts,
    heard,
  ]);
}

export const readConnectorReports = (db: Queryable): Promise<StoredConnectorReport[]> =>
  db.query<StoredConnectorReport>(progressSql.connector_read);

export async function removeConnectorReport(db: Queryable, name: string): Promise<void> {
  await db.query(progressSql.connector_remove, [name]);
}

/** A gap that a role has found in a partition in this epoch, in the role's words; undefined: none. */
export async function readStreamGap(db: Queryable, epoch: number): Promise<string | undefined> {
  const [gap] = await db.query<{ stream: string; said: string }>(progressSql.stream_gap_read, [epoch]);
  return gap === undefined ? undefined : `${gap.stream}: ${gap.said}`;
}

/**
 * Notes which process of the source's server reads the slot of an epoch.
 * @param isMidway whether it may have gone on in the midst of a transaction, if it is another one than before
 */
export async function noteSlotReader(db: Queryable, epoch: number, pid: number, isMidway: boolean): Promise<void> {
  await db.query(progressSql.epoch_reader, [epoch, pid, isMidway]);
}
