import type { ColumnKind } from './declaration.ts';
import { isOfDirectory, neededColumns, SOURCE_TABLES, type SourceTable } from './index.ts';

/** The names in a school's database that differ from an LMSConnector's; `id` is a column like the others. */
export type SourceMapping = Readonly<
  Partial<Record<SourceTable, { readonly table?: string; readonly columns?: Readonly<Record<string, string>> }>>
>;

/** A column that is read. */
export interface NamedColumn {
  /** Our name for it. */
  readonly column: string;
  /** The source's name for it. */
  readonly name: string;
  /** The source's name, as written in a statement. */
  readonly sql: string;
  readonly kind: ColumnKind;
  /** It is not read, and null takes the place of its values. */
  readonly isLeft: boolean;
}

/** A table that is read. */
export interface NamedTable {
  readonly table: SourceTable;
  readonly schema: string;
  /** The source's name for it. */
  readonly name: string;
  /** The source's name with its schema, as written in a statement. */
  readonly sql: string;
  readonly id: NamedColumn;
  /** In the order of {@link neededColumns}. */
  readonly needed: readonly NamedColumn[];
  /** `id` and the needed columns that are not left out: no other column of the source is read. */
  readonly columns: readonly NamedColumn[];
}

/** The source's names for everything that is read. */
export interface SourceNames {
  readonly schema: string;
  /** In the order of {@link SOURCE_TABLES}. */
  readonly tables: readonly NamedTable[];
  of(table: SourceTable): NamedTable;
  /** Whether any name differs from an LMSConnector's. */
  readonly areMapped: boolean;
}

/** A name as written in a statement, quoted if it has to be. */
export const nameInSql = (name: string): string => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : identifier(name));

/** A name as written in a statement, always quoted. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Names other than ours are quoted, since they might be reserved words. */
const asStatement = (name: string, ours: string): string => (name === ours ? name : identifier(name));

/** @param directory whether names and titles are read, too */
export function sourceNames(schema = 'public', mapping: SourceMapping = {}, directory = true): SourceNames {
  const tables = SOURCE_TABLES.map((table) =>
    named(schema, table, mapping[table] ?? {}, !directory && isOfDirectory(table)),
  );
  const byTable = new Map(tables.map((one) => [one.table, one]));
  return {
    schema,
    tables,
    of: (table) => byTable.get(table) as NamedTable,
    areMapped: tables.some(
      ({ table, name, columns }) => name !== table || columns.some((column) => column.name !== column.column),
    ),
  };
}

function named(
  schema: string,
  table: SourceTable,
  { table: name = table, columns = {} }: NonNullable<SourceMapping[SourceTable]>,
  isLeft: boolean,
): NamedTable {
  const rename = (column: string, kind: ColumnKind): NamedColumn => {
    const its = columns[column] ?? column;
    return { column, name: its, sql: asStatement(its, column), kind, isLeft: false };
  };
  const id = rename('id', 'uuid');
  const needed = neededColumns(table).map((column) => ({ ...rename(column.name, column.kind), isLeft }));
  return {
    table,
    schema,
    name,
    sql: `${nameInSql(schema)}.${asStatement(name, table)}`,
    id,
    needed,
    columns: [id, ...needed.filter((column) => !column.isLeft)],
  };
}
