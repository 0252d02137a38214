import type { AnyRowChange, Change, LocalMillis, RowOp, Uuid } from '#libs/domain/change.ts';
import type { Position } from '#libs/domain/position.ts';
import type { NamedTable } from '#libs/domain/source-tables/names.ts';

import { deleteChange, type Stamp } from '../postgres/decode.ts';
import { Malformed, readUuid, readValue, UNAVAILABLE } from './values.ts';

/** What is known about a record besides its envelope. */
export interface RecordFacts {
  readonly table: NamedTable;
  readonly epoch: number;
  /** Debezium split one update that changed the row's keys into a delete and a create; this is one of the two. */
  readonly isHalfOfMove: boolean;
}

/** A needed column that the table no longer has. */
export class ColumnGone extends Error {
  readonly column: string;

  constructor(table: string, column: string) {
    super(`the table ${table} has no column ${column}`);
    this.name = 'ColumnGone';
    this.column = column;
  }
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * The changes in one Debezium envelope: one, two if a row got another id, or none if it is not a change of a row. pgoutput
 * gives the same for the same commit, except for transaction ids (here only the 32 bits in the log) and for rows whose
 * keys changed, which come in two halves.
 * @throws Malformed, ColumnGone
 */
export function readEnvelope(value: unknown, facts: RecordFacts): readonly Change[] {
  const envelope = fieldsOf(value, 'the record');
  const { op } = envelope;
  // Logical messages do not concern us.
  if (op === 'm') return [];
  const source = fieldsOf(envelope['source'], 'source');
  const { table } = facts;
  if (source['table'] !== table.name)
    throw new Malformed(`it is of the table ${String(source['table'])}, not ${table.name}`);
  if (op === 'r') return [rowOf(table, 'read', envelope['after'], { position: { epoch: facts.epoch, lsn: 0n } })];
  const stamp = stampOf(source, facts.epoch);
  const half = facts.isHalfOfMove ? ({ splitMove: true } as const) : {};
  switch (op) {
    case 'c':
      return [{ ...rowOf(table, 'create', envelope['after'], stamp), ...half }];
    case 'u':
      return updateOf(table, envelope, stamp);
    case 'd': {
      const gone = deleteChange(table.table, idOf(table, envelope['before'], 'before'), stamp);
      return [facts.isHalfOfMove ? { ...gone, moved: true, splitMove: true } : gone];
    }
    case 't':
      return [{ table: table.table, op: 'truncate', ...stamp }];
    default:
      throw new Malformed(`op is ${JSON.stringify(op)}, none of r, c, u, d, t`);
  }
}

/** With replica identity FULL, a plain update can change the id, since the message key is another column. */
function updateOf(table: NamedTable, envelope: Fields, stamp: Stamp): readonly Change[] {
  const row = rowOf(table, 'update', envelope['after'], stamp);
  const { before } = envelope;
  const oldId = before === null || before === undefined ? row.id : idOf(table, before, 'before');
  if (oldId === row.id) return [row];
  return [
    { ...deleteChange(table.table, oldId, stamp), moved: true },
    { ...row, op: 'create', movedFrom: oldId },
  ];
}

function fieldsOf(value: unknown, what: string): Fields {
  if (typeof value !== 'object' || value === null) throw new Malformed(`${what} has no fields`);
  return value as Fields;
}

const idOf = ({ id }: NamedTable, row: unknown, what: string): Uuid =>
  readUuid(fieldsOf(row, what)[id.name], `${what}.${id.name}`);

function rowOf(named: NamedTable, op: Exclude<RowOp, 'delete'>, row: unknown, stamp: Stamp): AnyRowChange {
  const fields = fieldsOf(row, 'after');
  const { table, id } = named;
  if (fields[id.name] === undefined) throw new ColumnGone(named.name, id.name);
  const after: Record<string, string | LocalMillis | null> = {};
  for (const { column, name, kind, isLeft } of named.needed) {
    const value = isLeft ? null : fields[name];
    if (value === undefined) throw new ColumnGone(named.name, name);
    if (value === UNAVAILABLE) continue;
    after[column] = value === null ? null : readValue(kind, value, name);
  }
  // The columns come from neededColumns(table), from which the type of `after` is derived.
  return { table, op, id: readUuid(fields[id.name], `after.${id.name}`), ...stamp, after } as AnyRowChange;
}

const MAX_LSN = (1n << 63n) - 1n;

function stampOf(source: Fields, epoch: number): Stamp {
  const { lsn, txId, ts_ms: committedAt } = source;
  if (!isWhole(lsn) || lsn < 0 || BigInt(lsn) > MAX_LSN) throw new Malformed('source.lsn is no log sequence number');
  const position: Position = { epoch, lsn: BigInt(lsn) };
  if (!isWhole(txId) || typeof committedAt !== 'number') throw new Malformed('source has no transaction or no time');
  return { position, xid: BigInt(txId), committedAt };
}

const isWhole = (value: unknown): value is number | bigint => typeof value === 'bigint' || Number.isSafeInteger(value);
