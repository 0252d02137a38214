import type pg from 'pg';
import type { NamedTable, SourceNames } from '#libs/domain/source-tables/names.ts';
import { loadStatements } from '#libs/platform/postgres/database.ts';

const sql = loadStatements(new URL('./sql/', import.meta.url), ['source_tables']);

/** What the catalogue says about one of the five tables. All names are those of the source. */
export interface TableFacts {
  readonly named: NamedTable;
  readonly exists: boolean;
  /** As in pg_class: r ordinary, p partitioned, v view, m materialised view, f foreign. */
  readonly kind: 'r' | 'p' | 'v' | 'm' | 'f';
  /** p: logged, u: not. */
  readonly persistence: 'p' | 'u';
  readonly isPartition: boolean;
  /** The replica identity: d by the primary key, f every column, i by an index, n nothing. */
  readonly identity: 'd' | 'n' | 'f' | 'i';
  /** Whether the current user has USAGE on the schema. */
  readonly isInReach: boolean;
  /** Partitions, or tables that inherit from it; quoted for a statement where necessary. */
  readonly children: readonly string[];
  readonly primaryKey: {
    readonly name: string;
    readonly deferrable: boolean;
    readonly columns: readonly string[];
  } | null;
  /** The columns of the index chosen as replica identity, if any. */
  readonly identityIndex: readonly string[];
  readonly columns: Readonly<Record<string, ColumnFacts>>;
  /** Other schemas that have a table of this name. */
  readonly elsewhere: readonly string[];
}

export interface ColumnFacts {
  /** The declared type, with its length or precision; it may be a domain. */
  readonly fullType: string;
  /** The type of the values, named as `isReadable` expects. */
  readonly base: string;
  /** The same with its length or precision. */
  readonly baseType: string;
  readonly hasDefault: boolean;
  /** Whether the current user may read it. */
  readonly readable: boolean;
  /** s: stored, v: virtual; null: an ordinary column. */
  readonly generated: 's' | 'v' | null;
}

/** Reads what the catalogue says about the five tables, in their order. */
export async function readTableFacts(client: pg.Client, names: SourceNames): Promise<readonly TableFacts[]> {
  const { rows } = await client.query<Omit<TableFacts, 'named'> & { name: string }>({
    ...sql.source_tables,
    values: [names.schema, names.tables.map(({ name }) => name)],
  });
  return names.tables.flatMap((named) =>
    rows.filter(({ name }) => name === named.name).map((row) => ({ ...row, named })),
  );
}

/**
 * The columns by which the log tells a table's rows apart; undefined if there are none. Then every UPDATE and DELETE in the
 * table fails as soon as a publication sends them.
 */
export function identityColumns({
  identity,
  primaryKey,
  identityIndex,
  columns,
}: TableFacts): readonly string[] | undefined {
  if (identity === 'f') return Object.keys(columns);
  if (identity === 'i') return identityIndex.length === 0 ? undefined : identityIndex;
  if (identity === 'n' || primaryKey === null || primaryKey.deferrable) return undefined;
  return primaryKey.columns;
}
