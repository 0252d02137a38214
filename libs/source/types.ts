import type { ColumnKind } from '#libs/domain/source-tables/declaration.ts';

/**
 * The Postgres types that a needed column of each kind may have: every value arrives exactly, and identically by either
 * transport, in the initial snapshot and in the stream. Domains over them work, too. The first is the one that an
 * LMSConnector uses.
 *
 * Excluded, for example: `timestamp with time zone` and `date` do not mean a local time, the text of `money` and `interval`
 * depends on the server's settings, Debezium writes null for a `name`, and a text column that holds numbers or UUIDs could
 * just as well hold anything else.
 */
export const SOURCE_TYPES = {
  uuid: ['uuid'],
  text: ['text', 'character varying', 'character', 'citext', 'enum', 'uuid', 'smallint', 'integer', 'bigint'],
  timestamp: ['timestamp without time zone'],
  numeric: ['numeric', 'smallint', 'integer', 'bigint', 'real', 'double precision'],
  integer: ['integer', 'smallint', 'bigint', 'numeric'],
  json: ['jsonb', 'json'],
} as const satisfies Record<ColumnKind, readonly string[]>;

export type SourceType = (typeof SOURCE_TYPES)[ColumnKind][number];

/**
 * @param type as `format_type` writes it without length or precision; `enum` for every enum; a domain's is its base type's
 */
export const isReadable = (kind: ColumnKind, type: string): boolean =>
  (SOURCE_TYPES[kind] as readonly string[]).includes(type);

/** The OIDs of these types, the same on every server; those of citext and enums differ. */
const TYPE_OF_OID: ReadonlyMap<number, SourceType> = new Map([
  [20, 'bigint'],
  [21, 'smallint'],
  [23, 'integer'],
  [25, 'text'],
  [114, 'json'],
  [700, 'real'],
  [701, 'double precision'],
  [1042, 'character'],
  [1043, 'character varying'],
  [1114, 'timestamp without time zone'],
  [1700, 'numeric'],
  [2950, 'uuid'],
  [3802, 'jsonb'],
]);

/** User-defined types have OIDs from here on. */
const FIRST_OWN_OID = 16_384;

/** False if a column of this type cannot be read as that kind; a user-defined type could be anything. */
export function mayBeReadable(kind: ColumnKind, typeOid: number): boolean {
  if (typeOid >= FIRST_OWN_OID) return true;
  const type = TYPE_OF_OID.get(typeOid);
  return type !== undefined && isReadable(kind, type);
}
