import type pg from 'pg';
import { neededMetadata } from '#libs/clean/metadata.ts';
import { ConfigurationError } from '#libs/domain/errors.ts';
import type { SourceNames } from '#libs/domain/source-tables/names.ts';

interface Defaulted {
  readonly table: string;
  readonly column: string;
  /** As the server prints the expression. */
  readonly expression: string;
}

const FIND = `SELECT c.relname AS table, a.attname AS column, pg_get_expr(d.adbin, d.adrelid) AS expression
  FROM unnest($2::text[], $3::text[]) AS needed (table_name, column_name)
  JOIN pg_class AS c ON c.relname = needed.table_name AND c.relnamespace = to_regnamespace(quote_ident($1))
  JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = needed.column_name
  JOIN pg_attrdef AS d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
  WHERE a.attgenerated = '' AND NOT a.attnotnull AND NOT a.attisdropped
  ORDER BY 1, 2`;

/**
 * Refuses a needed column that may be NULL and has a DEFAULT: the Avro converter (Apicurio 2.6) writes the default where
 * the row has NULL, and a reader of the topic cannot tell the two apart. Columns where both give the same image are
 * allowed, such as an LMSConnector's own `metadata jsonb DEFAULT '{}'`.
 * @throws ConfigurationError naming each, with the SQL that fixes it
 */
export async function refuseNullableDefaults(client: pg.Client, names: SourceNames): Promise<void> {
  const needed = names.tables.flatMap(({ name: table, needed: columns }) =>
    columns.map(({ name: column }) => ({ table, column })),
  );
  const found = await client.query<Defaulted>(FIND, [
    names.schema,
    needed.map(({ table }) => table),
    needed.map(({ column }) => column),
  ]);
  const rows = found.rows.filter((row) => !saysNothing(row));
  if (rows.length === 0) return;
  const places = rows.map(({ table, column }) => `${table}.${column}`).join(', ');
  const remedies = rows.map(
    ({ table, column }) => `ALTER TABLE "${names.schema}"."${table}" ALTER COLUMN "${column}" DROP DEFAULT;`,
  );
  throw new ConfigurationError(
    `${places} may be NULL and ${rows.length === 1 ? 'has a default, which' : 'have defaults, which'} would arrive over Kafka in place of NULL`,
    `run ${remedies.join(' ')} or read the database itself, with CDC_SOURCE=pgoutput`,
  );
}

const JSON_LITERAL = /^'((?:[^']|'')*)'::jsonb?$/;

/** True if the default is NULL, or JSON with nothing that features are made of. Expressions are not evaluated. */
function saysNothing({ expression }: Defaulted): boolean {
  if (/^NULL::/.test(expression)) return true;
  const [, json] = JSON_LITERAL.exec(expression) ?? [];
  return json !== undefined && neededMetadata(json.replaceAll("''", "'")) === null;
}
