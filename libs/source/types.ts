import type { ColumnKind } from '#libs/domain/source-tables/declaration.ts';

/**
 * Which types of Postgres a needed column of each kind may have: those whose every value arrives exactly, and the same by
 * either transport, in the initial snapshot and in the stream. Domains over them may be used, too. The first is the one that
 * an LMSConnector gives.
 *
 * Not among them, for example: `timestamp with time zone` and `date` say something else than a local time, `money` and
 * `interval` are written as the server's settings have it, Debezium writes null for a `name`, and text that holds a number
 * or a UUID may as well hold anything else.
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

/** The numbers that these types have on every server; citext and enums have one of their own on each. */
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

/** Types that somebody has made are numbered from here on. */
const FIRST_OWN_OID = 16_384;

/** False where a column of this type cannot be read as that kind; a type that somebody has made may be anything. */
export function mayBeReadable(kind: ColumnKind, typeOid: number): boolean {
  if (typeOid >= FIRST_OWN_OID) return true;
  const type = TYPE_OF_OID.get(typeOid);
  return type !== undefined && isReadable(kind, type);
}
