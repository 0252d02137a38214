import type { ColumnKind } from './declaration.ts';
import { isOfDirectory, neededColumns, SOURCE_TABLES, type SourceTable } from './index.ts';

/** What is called otherwise in a school's database than by an LMSConnector; `id` is a column like the others. */
export type SourceMapping = Readonly<
  Partial<Record<SourceTable, { readonly table?: string; readonly columns?: Readonly<Record<string, string>> }>>
>;

/** A column that is read. */
export interface NamedColumn {
  /** As everything of ours calls it. */
  readonly column: string;
  /** As the source does. */
  readonly name: string;
  /** The same as a statement takes it. */
  readonly sql: string;
  readonly kind: ColumnKind;
  /** It is not asked for, and null stands for whatever it holds. */
  readonly isLeft: boolean;
}

/** A table that is read. */
export interface NamedTable {
  readonly table: SourceTable;
  readonly schema: string;
  /** As the source calls it. */
  readonly name: string;
  /** The same with its schema, as a statement takes it. */
  readonly sql: string;
  readonly id: NamedColumn;
  /** In the order of {@link neededColumns}. */
  readonly needed: readonly NamedColumn[];
  /** `id` and the needed ones that are not left: no other column of the source is asked for. */
  readonly columns: readonly NamedColumn[];
}

/** How everything that is read is called in the source. */
export interface SourceNames {
  readonly schema: string;
  /** In the order of {@link SOURCE_TABLES}. */
  readonly tables: readonly NamedTable[];
  of(table: SourceTable): NamedTable;
  /** Whether something is called otherwise than by an LMSConnector. */
  readonly areMapped: boolean;
}

/** A name as a statement takes it. */
export const nameInSql = (name: string): string => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : identifier(name));

/** The same, quoted whatever it is. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Of other names nobody knows whether they are reserved words. */
const asStatement = (name: string, ours: string): string => (name === ours ? name : identifier(name));

/** @param directory whether what people are called is read, too */
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
