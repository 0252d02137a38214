import type { Change } from '#libs/domain/change.ts';
import { UnrecoverableError } from '#libs/domain/errors.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import type { NamedTable } from '#libs/domain/source-tables/names.ts';
import type { IncomingRecord, PartitionId } from '#libs/platform/kafka/contract.ts';
import { type SchemaRegistry, Undecodable } from '#libs/platform/registry/contract.ts';
import { MAX_PAYLOAD, type UndecodableRecord } from '../contract.ts';
import { ColumnGone, readEnvelope } from './envelope.ts';
import { Malformed } from './values.ts';

/** Header with the epoch of the connector's slot, in decimal. */
export const EPOCH_HEADER = 'prepadata.epoch';
/** Headers of the two halves of an update that changed a row's keys. */
const MOVE_HEADERS = ['__debezium.newkey', '__debezium.oldkey'] as const;

/** What one record contains. */
export interface Item {
  readonly offset: bigint;
  readonly changes: readonly Change[];
  readonly undecodable?: UndecodableRecord;
  /** The record it was read from. */
  readonly record?: IncomingRecord;
}

export interface RecordReader {
  readonly table: NamedTable;
  readonly registry: SchemaRegistry;
  newestEpoch(): Promise<number>;
}

const NOTHING: readonly Change[] = [];

/**
 * Reads one record; a bad one becomes an entry in the list of rejected rows.
 * @throws RegistryFault; UnrecoverableError when the connector is not ours or a needed column is gone
 */
export async function readRecord(record: IncomingRecord, place: PartitionId, reader: RecordReader): Promise<Item> {
  const { offset, value, headers } = record;
  // A tombstone, for compaction.
  if (value === null) return { offset, changes: NOTHING };
  const header = headers[EPOCH_HEADER];
  let envelope: unknown;
  try {
    envelope = await reader.registry.decode(value);
  } catch (error) {
    if (!(error instanceof Undecodable)) throw error;
    const payload = `${error.message}; base64: ${value.toString('base64')}`;
    return reject(record, place, reader.table.table, epochOf(header) ?? 0, 'undecodable', payload);
  }
  const epoch = epochOf(header);
  if (epoch === undefined) throw notOurs(record, place);
  const isHalfOfMove = MOVE_HEADERS.some((name) => headers[name] !== undefined);
  try {
    return { offset, changes: readEnvelope(envelope, { table: reader.table, epoch, isHalfOfMove }) };
  } catch (error) {
    if (!(error instanceof Malformed || error instanceof ColumnGone)) throw error;
    // If the epoch is over, the next one's snapshot contains the row.
    if (error instanceof ColumnGone && epoch >= (await reader.newestEpoch())) throw columnGone(error, reader);
    return reject(
      record,
      place,
      reader.table.table,
      epoch,
      'malformed_record',
      `${error.message}; record: ${show(envelope)}`,
    );
  }
}

function reject(
  { offset }: IncomingRecord,
  { topic, partition }: PartitionId,
  table: SourceTable,
  epoch: number,
  reason: UndecodableRecord['reason'],
  payload: string,
): Item {
  const origin = `${topic}:${partition}:${offset}`;
  const undecodable = {
    origin,
    table,
    position: { epoch, lsn: 0n },
    reason,
    payload: payload.slice(0, MAX_PAYLOAD),
  };
  return { offset, changes: NOTHING, undecodable };
}

const show = (envelope: unknown): string =>
  JSON.stringify(envelope, (_, value: unknown) => (typeof value === 'bigint' ? value.toString() : value)) ?? 'nothing';

const EPOCH = /^"?([1-9]\d{0,8})"?$/;

/** Connect writes the number as text, quoted if it is configured as a string. */
export function epochOf(header: Buffer | undefined): number | undefined {
  const match = header === undefined ? null : EPOCH.exec(header.toString('latin1'));
  return match === null ? undefined : Number(match[1]);
}

const notOurs = ({ offset }: IncomingRecord, { topic, partition }: PartitionId): UnrecoverableError =>
  new UnrecoverableError(
    'source_epoch_missing',
    `the record ${topic}:${partition}:${offset} has no header ${EPOCH_HEADER} with a number: the connector that wrote it was not registered by us, and nothing says which slot its positions belong to`,
    'run: npm run register; it registers the connector with the header. If the topic holds records of another connector, take those topics away first (or give ours another KAFKA_TOPIC_PREFIX), then start again',
  );

const columnGone = ({ column }: ColumnGone, { table }: RecordReader): UnrecoverableError =>
  new UnrecoverableError(
    'source_column_missing',
    `the source table ${table.name} no longer has the column ${column} in the stream`,
    'undo the ALTER TABLE that took it away; then begin a new epoch (npm run register -- --new-epoch), whose snapshot takes the place of what came without it, and start again',
  );
