import { SOURCE_TABLES } from '#libs/domain/change.ts';
import { ConfigurationError } from '#libs/domain/errors.ts';

/*
 * What an administrator of the source is told to run, where only they can. The statements are those of
 * `connectors/source.sql`, but for a user that exists already.
 */

const tablesOf = (schema: string): string => SOURCE_TABLES.map((table) => `${schema}.${table}`).join(', ');

/** A name as a statement takes it. */
const nameInSql = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;

/** The statements that give a user the rights it needs. */
export const grantsSql = (user: string, schema: string): string[] => [
  `ALTER ROLE ${nameInSql(user)} REPLICATION;`,
  `GRANT USAGE ON SCHEMA ${schema} TO ${nameInSql(user)};`,
  `GRANT SELECT ON ${tablesOf(schema)} TO ${nameInSql(user)};`,
];

/** The statement that makes the publication for exactly the five tables. */
export const publicationSql = (publication: string, schema: string): string =>
  `CREATE PUBLICATION ${publication} FOR TABLE ${tablesOf(schema)};`;

export const slotWithoutLimit = (): ConfigurationError =>
  new ConfigurationError(
    'the source server sets no limit to the log that a replication slot keeps (max_slot_wal_keep_size = -1); while nobody reads the slot, its disk would fill up',
    "as a superuser, run: ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'; SELECT pg_reload_conf(); or, to make the slot all the same, set SOURCE_SLOT_LIMIT=none",
  );

export const slotInUse = (slot: string, pid: number | null): ConfigurationError =>
  new ConfigurationError(
    `the replication slot ${slot} is being read (server process ${pid ?? 'unknown'})`,
    'stop the PrepaData that reads it first; then ask again',
  );
