import { ConfigurationError } from '#libs/domain/errors.ts';
import { nameInSql, type SourceNames } from '#libs/domain/source-tables/names.ts';

/*
 * What an administrator of the source is told to run, when only they can. The statements are those of
 * `connectors/source.sql`, but for an existing user.
 */

/** The statements that let a user read the needed columns, and no others. */
export const readGrantsSql = (user: string, names: SourceNames): string[] => [
  `GRANT USAGE ON SCHEMA ${nameInSql(names.schema)} TO ${nameInSql(user)};`,
  ...names.tables.map(
    ({ sql, columns }) =>
      `GRANT SELECT (${columns.map((column) => column.sql).join(', ')}) ON ${sql} TO ${nameInSql(user)};`,
  ),
];

/** The statements that give a user all the rights it needs. */
export const grantsSql = (user: string, names: SourceNames): string[] => [
  `ALTER ROLE ${nameInSql(user)} REPLICATION;`,
  ...readGrantsSql(user, names),
];

export const slotInUse = (slot: string, pid: number | null): ConfigurationError =>
  new ConfigurationError(
    `the replication slot ${slot} is being read (server process ${pid ?? 'unknown'})`,
    'stop the PrepaData that reads it first; then ask again',
  );
