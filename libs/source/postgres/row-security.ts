import type pg from 'pg';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { nameInSql, type SourceNames } from '#libs/domain/source-tables/names.ts';
import { loadStatements } from '#libs/platform/postgres/database.ts';

const sql = loadStatements(new URL('./sql/', import.meta.url), ['row_security']);

interface SecuredTable {
  readonly name: string;
  readonly hasAll: boolean;
  readonly isRestricted: boolean;
  readonly print: string;
}

/** How to read the tables when row-level security hides nothing from us. */
export interface RowSecurity {
  /**
   * `off`: a policy that hides rows makes the statement fail. `on`: some tables are read through policies that let this
   * user see every row; then the reading is complete only if {@link print} is the same afterwards.
   */
  readonly setting: 'on' | 'off';
  /** Changes when one of those policies is altered. */
  readonly print: string;
}

/**
 * Checks that row-level security hides no row of the five tables from the user of this connection: the user is exempt
 * (BYPASSRLS, the owner, a superuser), or a policy lets it read every row.
 * @throws ConfigurationError with the statements that allow it
 */
export async function checkRowSecurity(client: pg.Client, names: SourceNames): Promise<RowSecurity> {
  const { rows } = await client.query<SecuredTable>({
    ...sql.row_security,
    values: [names.schema, names.tables.map(({ name }) => name)],
  });
  const hidden = rows.filter((table) => !table.hasAll || table.isRestricted);
  if (hidden.length > 0) throw hidesRows(client.user ?? 'the_user', names, hidden);
  const print = rows.map((table) => `${table.name}:${table.print}`).sort();
  return { setting: rows.length === 0 ? 'off' : 'on', print: print.join(';') };
}

function hidesRows(user: string, names: SourceNames, secured: readonly SecuredTable[]): ConfigurationError {
  const role = nameInSql(user);
  const tables = names.tables.filter((table) => secured.some(({ name }) => name === table.name));
  const policies = tables.map(
    ({ sql: table }) => `CREATE POLICY prepadata_reads_all ON ${table} FOR SELECT TO ${role} USING (true);`,
  );
  const bypass = `as a superuser, run: ALTER ROLE ${role} BYPASSRLS;`;
  // A restrictive policy applies even to those whom another one permits.
  const isRestricted = secured.some((table) => table.isRestricted);
  return new ConfigurationError(
    `row-level security hides rows of ${tables.map((table) => table.sql).join(', ')} from the user "${user}", whatever it is granted`,
    isRestricted ? bypass : `as the owner of the tables, run: ${policies.join(' ')} or, ${bypass}`,
  );
}
