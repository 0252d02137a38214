import { UnrecoverableError } from '#libs/domain/errors.ts';
import { type NamedTable, nameInSql } from '#libs/domain/source-tables/names.ts';
import { type ColumnFacts, identityColumns, type TableFacts } from './tables.ts';

/*
 * Checks whether a table's changes can be followed at all. A refusal ends with the statements that fix it, all of which the
 * tests run.
 */

const KINDS = { p: 'a partitioned table', v: 'a view', m: 'a materialised view', f: 'a foreign table' } as const;

/** @throws UnrecoverableError naming the missing tables, and where they may be */
export function checkPresence(facts: readonly TableFacts[]): void {
  const missing = facts.filter((table) => !table.exists);
  if (missing.length === 0) return;
  const [first, ...others] = missing;
  const schemas = (first?.elsewhere ?? []).filter((name) => others.every((table) => table.elsewhere.includes(name)));
  throw new UnrecoverableError(
    'source_table_missing',
    `the source database has no table ${missing.map(({ named }) => named.sql).join(', ')}`,
    schemas.length === 0
      ? 'let the LMSConnector make its tables first, or set SOURCE_SCHEMA to the schema they are in; where they have other names, SOURCE_MAPPING says which'
      : `set SOURCE_SCHEMA=${schemas[0]}, where tables of ${missing.length === 1 ? 'that name' : 'those names'} are${
          schemas.length === 1 ? '' : ` (or ${schemas.slice(1).join(', ')})`
        }`,
  );
}

/** The code of the error for a table whose changes are not in the log. */
export const UNLOGGED = 'source_table_unlogged';

/** @throws UnrecoverableError */
export function checkKind(table: TableFacts): void {
  const name = table.named.sql;
  if (table.kind !== 'r') {
    throw new UnrecoverableError(
      'source_table_kind',
      `the source's ${name} is ${KINDS[table.kind]}, and not an ordinary table: its changes cannot be followed under that name`,
      kindRemedy(table),
    );
  }
  if (table.children.length > 0) {
    throw new UnrecoverableError(
      'source_table_kind',
      `the source table ${name} has child tables (${table.children.join(', ')}), whose rows belong to it as well and are not sent under its name`,
      `move their rows into ${name} itself, and run: ${table.children.map((child) => `ALTER TABLE ${child} NO INHERIT ${name};`).join(' ')}`,
    );
  }
  if (table.persistence !== 'p') {
    throw new UnrecoverableError(
      UNLOGGED,
      `the source table ${name} is unlogged: none of its changes is written in the server's log`,
      `as the owner of the table, run: ALTER TABLE ${name} SET LOGGED;`,
    );
  }
}

function kindRemedy({ named, kind, elsewhere }: TableFacts): string {
  const { sql: name, id } = named;
  if (kind === 'f') return `follow the database where ${name} itself is: set SOURCE_DB_HOST and the others to it`;
  const former = nameInSql(`${named.name}_${kind === 'p' ? 'partitioned' : 'view'}`);
  const there = `${nameInSql(named.schema)}.${former}`;
  const rename = `ALTER ${{ p: 'TABLE', v: 'VIEW', m: 'MATERIALIZED VIEW' }[kind as 'p' | 'v' | 'm']} ${name} RENAME TO ${former};`;
  const table = `CREATE TABLE ${name} (LIKE ${there} INCLUDING DEFAULTS); INSERT INTO ${name} SELECT * FROM ${there}; ALTER TABLE ${name} ADD PRIMARY KEY (${id.sql});`;
  const other =
    elsewhere.length === 0 ? '' : `set SOURCE_SCHEMA to where the table itself is (${elsewhere.join(', ')}), or `;
  return `${other}let the LMSConnector write an ordinary table; with the rows that are there now, run: ${rename} ${table}`;
}

/** What happens to a published table whose rows the log cannot tell apart. */
const TAKES_NO_CHANGE = 'published, the table takes no UPDATE and no DELETE any more, from nobody';

/** Checks that every change of a row includes its id, and that the school can still change rows once they are published. */
export function checkKey(table: TableFacts): void {
  const name = table.named.sql;
  const { primaryKey, named } = table;
  const { id } = named;
  const refuse = (code: string, what: string, clause: string): UnrecoverableError =>
    new UnrecoverableError(code, what, `as the owner of the table, run: ALTER TABLE ${name} ${clause};`);
  const anew = `${primaryKey === null ? '' : `DROP CONSTRAINT ${nameInSql(primaryKey.name)}, `}ADD PRIMARY KEY (${id.sql})`;
  if (primaryKey?.columns.length !== 1 || primaryKey.columns[0] !== id.name) {
    const found = primaryKey === null ? 'missing' : `(${primaryKey.columns.join(', ')})`;
    throw refuse(
      'source_primary_key',
      `the primary key of the source table ${name} is ${found}; it must be (${id.name})`,
      anew,
    );
  }
  const columns = identityColumns(table);
  if (columns === undefined && table.identity === 'd') {
    throw refuse(
      'source_primary_key',
      `the primary key of the source table ${name} is deferrable, so that the log does not tell its rows apart: ${TAKES_NO_CHANGE}`,
      anew,
    );
  }
  const wrong = wrongIdentity(table, columns);
  if (wrong === undefined) return;
  throw refuse('source_replica_identity', wrong, `REPLICA IDENTITY ${primaryKey.deferrable ? 'FULL' : 'DEFAULT'}`);
}

/** A sentence that says what is wrong with the replica identity; undefined if nothing is. */
function wrongIdentity(table: TableFacts, columns: readonly string[] | undefined): string | undefined {
  const { sql: name, id } = table.named;
  if (columns === undefined)
    return `the source table ${name} has no replica identity, so that the log does not tell its rows apart: ${TAKES_NO_CHANGE}`;
  if (!columns.includes(id.name))
    return `the replica identity of the source table ${name} is (${columns.join(', ')}) and does not contain ${id.name}, so that deletes cannot be told apart`;
  const computed = columns.filter((column) => table.columns[column]?.generated === 'v');
  if (computed.length === 0) return undefined;
  return `the replica identity of the source table ${name} is FULL, and contains ${computed.join(', ')}, which is computed when it is read: ${TAKES_NO_CHANGE}`;
}

/** The error for a generated column that the server does not send: rows from the log would lack it. */
export function notSent({ sql: name }: NamedTable, column: string, facts?: ColumnFacts): UnrecoverableError {
  const { fullType = 'text', generated = 's' } = facts ?? {};
  const at = nameInSql(column);
  const computed = nameInSql(`${column}_computed`);
  const steps =
    generated === 's'
      ? [`ALTER TABLE ${name} ALTER COLUMN ${at} DROP EXPRESSION;`]
      : [
          `ALTER TABLE ${name} RENAME COLUMN ${at} TO ${computed};`,
          `ALTER TABLE ${name} ADD COLUMN ${at} ${fullType};`,
          `UPDATE ${name} SET ${at} = ${computed};`,
          `ALTER TABLE ${name} DROP COLUMN ${computed};`,
        ];
  return new UnrecoverableError(
    'source_column_generated',
    `the column ${column} of the source table ${name} is generated (${generated === 's' ? 'STORED' : 'VIRTUAL'}), and this server does not send it with the changes of a row`,
    `let the LMSConnector write it, and as the owner of the table, run: ${steps.join(' ')}`,
  );
}
