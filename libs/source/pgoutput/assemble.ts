import type { Pgoutput } from 'pg-logical-replication';
import type { AnyRowChange, Change } from '#libs/domain/change.ts';
import { parseLsn } from '#libs/domain/position.ts';
import type { NamedTable, SourceNames } from '#libs/domain/source-tables/names.ts';
import { deleteChange, rowChange, type Stamp } from '../postgres/decode.ts';
import type { ReadText } from '../postgres/encoding.ts';
import { UnreadableLog } from '../postgres/faults.ts';
import { mayBeReadable } from '../types.ts';

/** A transactional message with this prefix (`pg_logical_emit_message`) makes its commit worth its own batch. */
export const MARKER_PREFIX = 'prepadata';

export interface AssembleTarget {
  push(change: Change, bytes: number): void;
  mark(lsn: bigint, due: boolean): void;
}

interface OpenTransaction {
  readonly xid: bigint;
  readonly committedAt: number;
  worthTelling: boolean;
}

type Tuple = Readonly<Record<string, unknown>>;

/**
 * Widens a 32-bit transaction id from the stream to the 64-bit `xid8` nearest to `reference`. Ids in use at the same time
 * lie within 2^31 of each other.
 */
export function widenXid(xid: number, reference: bigint): bigint {
  return reference + BigInt.asIntN(32, BigInt(xid) - reference);
}

/** Keeps values as the text that Postgres sent; the library would turn them into dates and numbers. */
function keepText(relation: Pgoutput.MessageRelation, read: ReadText): void {
  for (const column of relation.columns) column.parser = read;
}

const textOf = (tuple: Tuple, column: string): string | null | undefined => {
  const value = tuple[column];
  return typeof value === 'string' || value === null ? value : undefined;
};

/** Turns the messages of one replication connection into changes; one assembler per connection. */
export class Assembler {
  readonly #names: SourceNames;
  readonly #epoch: number;
  readonly #readText: ReadText;
  readonly #target: AssembleTarget;
  /** Needed tables by the library's relation object, which is the same in every message about that relation. */
  readonly #tables = new WeakMap<Pgoutput.MessageRelation, NamedTable>();
  #latestXid: bigint;
  #open: OpenTransaction | undefined;

  /** @param latestXid a current 64-bit transaction id, which the stream's 32-bit ids are close to */
  constructor(names: SourceNames, epoch: number, latestXid: bigint, readText: ReadText, target: AssembleTarget) {
    this.#names = names;
    this.#epoch = epoch;
    this.#latestXid = latestXid;
    this.#readText = readText;
    this.#target = target;
  }

  /** True between the begin and the commit of a transaction. */
  get isInTransaction(): boolean {
    return this.#open !== undefined;
  }

  /**
   * @param lsn where the change's own record starts; not meant for `relation` messages
   * @param bytes size of the message on the wire
   * @throws UnreadableLog when a needed column was missing or had another type, or rows could not be told apart
   */
  accept(lsn: bigint, message: Pgoutput.Message, bytes: number): void {
    switch (message.tag) {
      case 'begin':
        this.#latestXid = widenXid(message.xid, this.#latestXid);
        this.#open = {
          xid: this.#latestXid,
          committedAt: Number(message.commitTime.valueOf() / 1000n),
          worthTelling: false,
        };
        return;
      case 'relation':
        this.#meet(message);
        return;
      case 'insert':
      case 'update':
      case 'delete':
      case 'truncate':
        for (const change of this.#changes(lsn, message)) {
          this.#target.push(change, bytes);
          if (this.#open !== undefined) this.#open.worthTelling = true;
        }
        return;
      case 'message':
        if (this.#open !== undefined && message.prefix === MARKER_PREFIX) this.#open.worthTelling = true;
        return;
      case 'commit': {
        const worthTelling = this.#open?.worthTelling ?? false;
        this.#open = undefined;
        if (message.commitEndLsn !== null) this.#target.mark(parseLsn(message.commitEndLsn), worthTelling);
        return;
      }
      default:
    }
  }

  /** The server describes a relation before its first change and again after each ALTER TABLE. */
  #meet(relation: Pgoutput.MessageRelation): void {
    const table = this.#names.tables.find(({ name }) => name === relation.name);
    if (table === undefined || relation.schema !== table.schema) return;
    keepText(relation, this.#readText);
    const present = new Set(relation.columns.map((column) => column.name));
    const gone = table.columns.map((column) => column.name).filter((name) => !present.has(name));
    const name = table.sql;
    if (gone.length > 0) {
      throw new UnreadableLog(
        `in the log of the source, the table ${name} has no column ${gone.join(', ')}: it was renamed, dropped or not published at that time`,
      );
    }
    const mistyped = relation.columns.find(({ name: column, typeOid }) => {
      const kind = table.columns.find((needed) => needed.name === column)?.kind;
      return kind !== undefined && !mayBeReadable(kind, typeOid);
    });
    if (mistyped !== undefined) {
      throw new UnreadableLog(
        `in the log of the source, the column ${mistyped.name} of the table ${name} has a type that cannot be read`,
      );
    }
    if (!relation.columns.some((column) => column.name === table.id.name && (column.flags & 1) === 1)) {
      throw new UnreadableLog(
        `in the log of the source, the replica identity of the table ${name} does not contain ${table.id.name}, so that deletes cannot be told apart`,
      );
    }
    this.#tables.set(relation, table);
  }

  #changes(
    lsn: bigint,
    message: Pgoutput.MessageInsert | Pgoutput.MessageUpdate | Pgoutput.MessageDelete | Pgoutput.MessageTruncate,
  ): Change[] {
    const open = this.#open;
    if (open === undefined) throw new Error(`a ${message.tag} came outside of a transaction`);
    const stamp: Stamp = { position: { epoch: this.#epoch, lsn }, xid: open.xid, committedAt: open.committedAt };
    if (message.tag === 'truncate') {
      return message.relations.flatMap((relation): Change[] => {
        const table = relation === undefined ? undefined : this.#tables.get(relation);
        return table === undefined ? [] : [{ table: table.table, op: 'truncate', ...stamp }];
      });
    }
    const table = this.#tables.get(message.relation);
    if (table === undefined) return [];
    if (message.tag === 'insert') return [this.#written(table, 'create', message.new, stamp)];
    const oldId = idOf(table, message.key ?? message.old);
    if (message.tag === 'delete') {
      if (oldId === undefined) throw missingId(table, 'delete');
      return [deleteChange(table.table, oldId, stamp)];
    }
    const newId = idOf(table, message.new);
    if (oldId === undefined || oldId === newId) return [this.#written(table, 'update', message.new, stamp)];
    return [
      { ...deleteChange(table.table, oldId, stamp), moved: true },
      { ...this.#written(table, 'create', message.new, stamp), movedFrom: oldId.toLowerCase() },
    ];
  }

  #written(table: NamedTable, op: 'create' | 'update', tuple: Tuple, stamp: Stamp): AnyRowChange {
    const id = idOf(table, tuple);
    if (id === undefined) throw missingId(table, op);
    return rowChange(table.table, op, id, stamp, (_, index) => {
      const column = table.needed[index];
      return column?.isLeft ? null : textOf(tuple, column?.name ?? '');
    });
  }
}

const idOf = ({ id }: NamedTable, tuple: Tuple | null): string | undefined =>
  (tuple === null ? undefined : textOf(tuple, id.name)) ?? undefined;

const missingId = ({ name, id }: NamedTable, op: string): UnreadableLog =>
  new UnreadableLog(`in the log of the source, a ${op} in the table ${name} has no ${id.name}`);
