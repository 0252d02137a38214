import type pg from 'pg';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { formatLsn, parseLsn } from '#libs/domain/position.ts';
import type { SlotStatus, StoredProgress } from '../contract.ts';
import { codeOf } from './faults.ts';
import { findService, slotWithoutLimit } from './managed.ts';
import { type Origin, whyAnotherOrigin } from './signature.ts';

/** A row of pg_replication_slots; the optional columns do not exist in every supported version. */
export interface SlotRow {
  readonly slot_name: string;
  readonly plugin: string | null;
  readonly database: string | null;
  readonly active_pid: number | null;
  readonly restart_lsn: string | null;
  readonly confirmed_flush_lsn: string | null;
  /** Bytes; null where the server sets no limit. */
  readonly safe_wal_size: number | null;
  readonly wal_status: string | null;
  readonly conflicting?: boolean | null;
  readonly invalidation_reason?: string | null;
}

export const slotName = (prefix: string, epoch: number): string => `${prefix}_${epoch}`;

/** Every slot whose name is the prefix and a number, in any database. */
export async function readSlots(client: pg.Client, prefix: string): Promise<readonly SlotRow[]> {
  const result = await client.query<{ slot: SlotRow }>(
    `SELECT to_jsonb(s) AS slot FROM pg_replication_slots s WHERE slot_name ~ ('^' || $1 || '_[0-9]+$')`,
    [prefix],
  );
  return result.rows.map((row) => row.slot);
}

/** The same, in this database: each of several databases on one server has its own. */
export const readOwnSlots = async (client: pg.Client, prefix: string, database: string): Promise<readonly SlotRow[]> =>
  (await readSlots(client, prefix)).filter((slot) => slot.database === database);

/** What a slot costs its server, whose log ends at `walEnd`. */
export function costOf(slot: SlotRow, walEnd: bigint): SlotStatus {
  const retained = slot.restart_lsn === null ? 0n : walEnd - parseLsn(slot.restart_lsn);
  return {
    name: slot.slot_name,
    // The slot may have been read after the log's end, and have moved on.
    retainedBytes: retained < 0n ? 0n : retained,
    safeBytes: slot.safe_wal_size === null ? null : BigInt(slot.safe_wal_size),
    isEndangered: slot.wal_status === 'unreserved' || slot.wal_status === 'lost',
  };
}

const inMegabytes = (bytes: bigint): string => `${(Number(bytes) / 1024 ** 2).toFixed(1)} MB`;

/** A slot and its cost, on one line for an operator. */
export function describeSlot({ name, retainedBytes, safeBytes, isEndangered }: SlotStatus): string {
  const left = safeBytes === null ? 'the server sets no limit' : `${inMegabytes(safeBytes)} more until it is lost`;
  return `  ${name}   ${inMegabytes(retainedBytes)} of log kept, ${left}${isEndangered ? '   ENDANGERED' : ''}`;
}

/**
 * Unless the server sets a limit, a slot that is not read keeps its log without end, and fills the disk of somebody else's
 * database.
 * @throws ConfigurationError with the statements that set a limit
 */
export async function requireLimit(client: pg.Client): Promise<void> {
  const result = await client.query<{ limit: string }>(`SELECT current_setting('max_slot_wal_keep_size') AS limit`);
  if (result.rows[0]?.limit === '-1') throw slotWithoutLimit(await findService(client));
}

/** The slots of another database are not ours to use or to drop. */
export function refuseForeign(slots: readonly SlotRow[], name: string, database: string): void {
  const foreign = slots.find((slot) => slot.slot_name === name && slot.database !== database);
  if (foreign === undefined) return;
  throw new ConfigurationError(
    `the replication slot "${name}" that is to be made for the database "${database}" exists on this server already, for the database "${foreign.database ?? '(physical)'}"`,
    'give each source database of one server slots of their own: set SOURCE_SLOT to a name that no other PrepaData has there',
  );
}

/** Drops the slots that earlier epochs left behind; an unread slot keeps the server's log for ever. */
export async function dropSlots(client: pg.Client, slots: readonly SlotRow[]): Promise<void> {
  for (const slot of slots) await client.query('SELECT pg_drop_replication_slot($1)', [slot.slot_name]);
}

/**
 * A sentence that says why the stored epoch cannot be continued; undefined if it can.
 * @param slot the slot of the stored epoch, in this database
 */
export function reasonForNewEpoch(
  stored: StoredProgress | undefined,
  slot: SlotRow | undefined,
  walEnd: bigint,
  origin: Origin,
  name: string,
): string | undefined {
  if (stored === undefined) return 'nothing was read from this source before';
  if (stored.phase === 'snapshot') return `the initial snapshot of epoch ${stored.epoch} never ended`;
  const moved = whyAnotherOrigin(stored.origin, origin);
  if (moved !== undefined) return moved;
  if (slot === undefined) return `the replication slot ${name} is gone`;
  if (slot.plugin !== 'pgoutput') return `the replication slot ${name} belongs to the plugin ${slot.plugin}`;
  if (slot.wal_status === 'lost' || slot.conflicting === true || typeof slot.invalidation_reason === 'string') {
    return `the replication slot ${name} was invalidated (${slot.invalidation_reason ?? slot.wal_status ?? 'conflict'})`;
  }
  if (slot.confirmed_flush_lsn !== null && parseLsn(slot.confirmed_flush_lsn) > stored.applied) {
    return `a gap: the replication slot ${name} begins at ${slot.confirmed_flush_lsn}, only ${formatLsn(stored.applied)} is applied`;
  }
  if (walEnd < stored.applied) {
    return `the source's log was set back: it ends at ${formatLsn(walEnd)}, ${formatLsn(stored.applied)} is applied`;
  }
  return undefined;
}

export interface CreatedSlot {
  /** Every transaction that ends after it is in the stream; all earlier ones are in the snapshot. */
  readonly consistentPoint: bigint;
  /** To be imported while the replication connection stays open and idle. */
  readonly snapshot: string;
}

/** A configured limit of the server is exceeded; when creating a slot, the limit on slots. */
const LIMIT_MET = '53400';

/** @throws ConfigurationError if the server has no room for another slot; the driver's errors */
export async function makingSlot<T>(make: Promise<T>): Promise<T> {
  try {
    return await make;
  } catch (error) {
    if (codeOf(error) !== LIMIT_MET) throw error;
    throw new ConfigurationError(
      `the source server has no room for one more replication slot: ${messageOf(error)}`,
      'drop slots that nobody reads (SELECT slot_name, active FROM pg_replication_slots) or raise max_replication_slots',
      { cause: error },
    );
  }
}

/** Creates a slot with an exported snapshot; waits until all transactions now writing have ended. */
export async function createSlot(replication: pg.Client, name: string): Promise<CreatedSlot> {
  const result = await makingSlot(
    replication.query<{ consistent_point: string; snapshot_name: string }>(
      `CREATE_REPLICATION_SLOT "${name}" LOGICAL pgoutput EXPORT_SNAPSHOT`,
    ),
  );
  const row = result.rows[0];
  if (row === undefined) throw new Error('CREATE_REPLICATION_SLOT gave no row');
  return { consistentPoint: parseLsn(row.consistent_point), snapshot: row.snapshot_name };
}
