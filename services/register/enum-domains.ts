import type pg from 'pg';
import { ConfigurationError } from '#libs/domain/errors.ts';

const FIND = `SELECT t.oid::regtype::text AS domain FROM pg_type AS t WHERE t.typtype = 'd' AND t.typcategory = 'E' ORDER BY 1`;

/**
 * Refuses a database with a domain over an enum, in any schema, used or not: Debezium 3.6 reads all types when it starts,
 * takes such a domain for an enum, finds no labels and fails.
 * @throws ConfigurationError naming each, with what can be done
 */
export async function refuseEnumDomains(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ domain: string }>(FIND);
  if (rows.length === 0) return;
  throw new ConfigurationError(
    `the source database has ${rows.map(({ domain }) => domain).join(', ')}, ${rows.length === 1 ? 'a domain' : 'domains'} over an enum, and Debezium does not start on a database that has one`,
    `where nothing uses ${rows.length === 1 ? 'it' : 'them'} any more (columns can be of the enum itself), run: DROP DOMAIN ${rows
      .map(({ domain }) => domain)
      .join(', ')}; or read the database itself, with CDC_SOURCE=pgoutput`,
  );
}
