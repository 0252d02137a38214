import { ConfigurationError } from '#libs/domain/errors.ts';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';

/*
 * What an administrator of the source is told to run, where only they can. The statements are those of
 * `connectors/source.sql`, but for a user that exists already.
 */

const tablesOf = (schema: string): string => SOURCE_TABLES.map((table) => `${schema}.${table}`).join(', ');

/** A name as a statement takes it. */
export const nameInSql = (name: string): string =>
  /^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`;

/** The statements that let a user read the tables. */
export const readGrantsSql = (user: string, schema: string): string[] => [
  `GRANT USAGE ON SCHEMA ${schema} TO ${nameInSql(user)};`,
  `GRANT SELECT ON ${tablesOf(schema)} TO ${nameInSql(user)};`,
];

/** The statements that give a user all the rights it needs. */
export const grantsSql = (user: string, schema: string): string[] => [
  `ALTER ROLE ${nameInSql(user)} REPLICATION;`,
  ...readGrantsSql(user, schema),
];

/**
 * The statement that makes the publication for exactly the five tables.
 * @param sendsGenerated with their stored generated columns, which servers from 18 on can send
 */
export const publicationSql = (publication: string, schema: string, sendsGenerated = false): string =>
  `CREATE PUBLICATION ${publication} FOR TABLE ${tablesOf(schema)}${sendsGenerated ? ' WITH (publish_generated_columns = stored)' : ''};`;

export const slotInUse = (slot: string, pid: number | null): ConfigurationError =>
  new ConfigurationError(
    `the replication slot ${slot} is being read (server process ${pid ?? 'unknown'})`,
    'stop the PrepaData that reads it first; then ask again',
  );
