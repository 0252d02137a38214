import type pg from 'pg';
import type { NamedTable, SourceNames } from '#libs/domain/source-tables/names.ts';
import { loadStatements } from '#libs/platform/postgres/database.ts';

const sql = loadStatements(new URL('./sql/', import.meta.url), ['source_tables']);

/** What the catalogue says of one of the five tables. All names in it are those of the source. */
export interface TableFacts {
  readonly named: NamedTable;
  readonly exists: boolean;
  /** As pg_class has it: r ordinary, p partitioned, v view, m materialised view, f foreign. */
  readonly kind: 'r' | 'p' | 'v' | 'm' | 'f';
  /** p: logged, u: not. */
  readonly persistence: 'p' | 'u';
  readonly isPartition: boolean;
  /** The replica identity: d by the primary key, f every column, i by an index, n nothing. */
  readonly identity: 'd' | 'n' | 'f' | 'i';
  /** By the user who asks: the schema may be entered. */
  readonly isInReach: boolean;
  /** Partitions, or tables that inherit from it; as a statement takes their names. */
  readonly children: readonly string[];
  readonly primaryKey: {
    readonly name: string;
    readonly deferrable: boolean;
    readonly columns: readonly string[];
  } | null;
  /** The columns of the index chosen as replica identity, if one is. */
  readonly identityIndex: readonly string[];
  readonly columns: Readonly<Record<string, ColumnFacts>>;
  /** Other schemas that have a table of this name. */
  readonly elsewhere: readonly string[];
}

export interface ColumnFacts {
  /** The type as it was declared, with its length or precision; it may be a domain. */
  readonly fullType: string;
  /** What the values are, as `isReadable` names types. */
  readonly base: string;
  /** The same with its length or precision. */
  readonly baseType: string;
  readonly hasDefault: boolean;
  /** By the user who asks. */
  readonly readable: boolean;
  /** s: stored, v: virtual; null: an ordinary column. */
  readonly generated: 's' | 'v' | null;
}

/** Reads what the catalogue says of the five tables, in their order. */
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
 * The columns by which the log tells the rows of a table apart; undefined: none. Then every UPDATE and DELETE in the table
 * fails as soon as a publication sends them.
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
