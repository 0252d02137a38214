import type pg from 'pg';
import { NEEDED_COLUMNS } from '#libs/domain/change.ts';
import { ConfigurationError } from '#libs/domain/errors.ts';

const FIND = `SELECT c.relname AS table, a.attname AS column
  FROM unnest($2::text[], $3::text[]) AS needed (table_name, column_name)
  JOIN pg_class AS c ON c.relname = needed.table_name AND c.relnamespace = to_regnamespace(quote_ident($1))
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = needed.column_name
  WHERE a.atthasdef AND NOT a.attnotnull AND NOT a.attisdropped
  ORDER BY 1, 2`;

/**
 * Refuses a needed column that may be NULL and has a DEFAULT: the Avro converter (Apicurio 2.6) writes the default where the
 * row has NULL, and nobody who reads the topic could tell the two apart.
 * @throws ConfigurationError naming each, with the SQL that mends it
 */
export async function refuseNullableDefaults(client: pg.Client, schema: string): Promise<void> {
  const needed = Object.entries(NEEDED_COLUMNS).flatMap(([table, columns]) =>
    Object.keys(columns).map((column) => ({ table, column })),
  );
  const { rows } = await client.query<{ table: string; column: string }>(FIND, [
    schema,
    needed.map(({ table }) => table),
    needed.map(({ column }) => column),
  ]);
  if (rows.length === 0) return;
  const names = rows.map(({ table, column }) => `${table}.${column}`).join(', ');
  const remedies = rows.map(
    ({ table, column }) => `ALTER TABLE "${schema}"."${table}" ALTER COLUMN "${column}" DROP DEFAULT;`,
  );
  throw new ConfigurationError(
    `${names} may be NULL and ${rows.length === 1 ? 'has a default, which' : 'have defaults, which'} would arrive over Kafka in place of NULL`,
    `run ${remedies.join(' ')} or read the database itself, with CDC_SOURCE=pgoutput`,
  );
}
