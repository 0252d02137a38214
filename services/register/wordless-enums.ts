import type pg from 'pg';
import { ConfigurationError } from '#libs/domain/errors.ts';

const FIND = `
  SELECT t.oid::regtype::text AS name, CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END AS kind
    FROM pg_type AS t
   WHERE t.typcategory = 'E' AND NOT EXISTS (SELECT FROM pg_enum AS e WHERE e.enumtypid = t.oid)
   ORDER BY 1`;

/**
 * Refuses a database with an enum that has no words, or a domain over an enum, in any schema, used or not: Debezium 3.6 reads
 * all types when it starts, takes both for enums, finds no words of theirs and fails.
 * @throws ConfigurationError naming each, with what can be done
 */
export async function refuseWordlessEnums(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ name: string; kind: 'DOMAIN' | 'TYPE' }>(FIND);
  if (rows.length === 0) return;
  const named = rows.map(
    ({ name, kind }) => `${name} (${kind === 'TYPE' ? 'an enum without words' : 'a domain over an enum'})`,
  );
  // Those of one statement may be over each other; a domain may be over a type that goes as well.
  const drops = (['DOMAIN', 'TYPE'] as const).flatMap((kind) => {
    const names = rows.filter((row) => row.kind === kind).map(({ name }) => name);
    return names.length === 0 ? [] : [`DROP ${kind} ${names.join(', ')};`];
  });
  throw new ConfigurationError(
    `the source database has ${named.join(', ')}, and Debezium does not start on a database that has such a type`,
    `where nothing uses ${rows.length === 1 ? 'it' : 'them'} any more (columns can be of the enum itself, and ALTER TYPE … ADD VALUE gives one a word), run: ${drops.join(' ')} or read the database itself, with CDC_SOURCE=pgoutput`,
  );
}
