import type pg from 'pg';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { nameInSql } from '#libs/domain/source-tables/names.ts';

/**
 * A managed Postgres service that makes no customer a superuser, and has its own ways to do what a superuser does elsewhere.
 * They are taken from the services' manuals and not tested: the tests only have a server with the role.
 */
export interface ManagedService {
  readonly name: string;
  /** A role that only this service's servers have. */
  readonly role: string;
  /** How to make the log contain the changes of rows. */
  readonly logicalLog: string;
  /** How to let a role replicate. */
  readonly replication: (role: string) => string;
  /** How to limit the log that a slot keeps; undefined: the customer cannot. */
  readonly slotLimit?: string;
}

const alterRole =
  (as: string) =>
  (role: string): string =>
    `${as}, run: ALTER ROLE ${role} REPLICATION;`;

const SERVICES: readonly ManagedService[] = [
  {
    name: 'Amazon RDS and Aurora',
    role: 'rds_superuser',
    logicalLog:
      'set rds.logical_replication = 1 in the parameter group of the instance (Aurora: of the cluster), and reboot it',
    replication: (role) => `as the master user, run: GRANT rds_replication TO ${role};`,
    slotLimit: 'set max_slot_wal_keep_size = 10240 (MB) in the parameter group of the instance',
  },
  {
    name: 'Google Cloud SQL',
    role: 'cloudsqlsuperuser',
    logicalLog: 'set the flag cloudsql.logical_decoding = on for the instance, which restarts it',
    replication: alterRole('as a member of cloudsqlsuperuser (the user postgres is one)'),
  },
  {
    name: 'Google AlloyDB',
    role: 'alloydbsuperuser',
    logicalLog: 'set the flag alloydb.logical_decoding = on for the instance, which restarts it',
    replication: alterRole('as a member of alloydbsuperuser (the user postgres is one)'),
  },
  {
    name: 'Azure Database for PostgreSQL',
    role: 'azure_pg_admin',
    logicalLog: 'set the server parameter wal_level = logical, and restart the server',
    replication: alterRole("as the server's administrator"),
  },
  {
    name: 'Supabase',
    role: 'supabase_admin',
    logicalLog:
      'set wal_level = logical (its default there) by: supabase postgres-config update --config wal_level=logical',
    replication: alterRole('as the user postgres'),
    slotLimit: 'use: supabase postgres-config update --config max_slot_wal_keep_size=10GB',
  },
  {
    name: 'Aiven',
    role: 'avnadmin',
    logicalLog: 'set wal_level to logical (its default there) in the advanced configuration of the service',
    replication: alterRole('as the user avnadmin'),
    slotLimit: 'set pg.max_slot_wal_keep_size in the advanced configuration of the service',
  },
  {
    name: 'Neon',
    role: 'neon_superuser',
    logicalLog: 'enable logical replication in the settings of the project',
    replication: alterRole('as a role made in the Neon Console (those may replicate, and let others)'),
  },
];

/** The service that runs this server, recognised by its roles; undefined if it is none of those known here. */
export async function findService(client: pg.Client): Promise<ManagedService | undefined> {
  const { rows } = await client.query<{ rolname: string }>('SELECT rolname FROM pg_roles WHERE rolname = ANY ($1)', [
    SERVICES.map(({ role }) => role),
  ]);
  return SERVICES.find(({ role }) => rows.some(({ rolname }) => rolname === role));
}

const ELSEWHERE = 'where nobody is superuser, connectors/README.md says how ("Managed Postgres")';

export const logWithoutRows = (level: string, service?: ManagedService): ConfigurationError =>
  new ConfigurationError(
    `the source server writes its log with wal_level = ${level}, which does not hold the changes of rows`,
    service === undefined
      ? `as a superuser, run: ALTER SYSTEM SET wal_level = logical; and restart the source server; ${ELSEWHERE}`
      : `on ${service.name}: ${service.logicalLog}`,
  );

export const mayNotReplicate = (user: string, cause: unknown, service?: ManagedService): ConfigurationError =>
  new ConfigurationError(
    `the user "${user}" may not read the log of the source database: ${messageOf(cause)}`,
    service === undefined
      ? `as a superuser, run: ALTER ROLE ${nameInSql(user)} REPLICATION; ${ELSEWHERE}`
      : `on ${service.name}: ${service.replication(nameInSql(user))}`,
    { cause },
  );

export function slotWithoutLimit(service?: ManagedService): ConfigurationError {
  const allTheSame = 'to make the slot all the same, set SOURCE_SLOT_LIMIT=none, and watch the disk';
  const ways =
    service === undefined
      ? `as a superuser, run: ALTER SYSTEM SET max_slot_wal_keep_size = '10GB'; SELECT pg_reload_conf(); or, ${allTheSame}; ${ELSEWHERE}`
      : `on ${service.name}: ${service.slotLimit === undefined ? 'this cannot be set there;' : `${service.slotLimit}; or,`} ${allTheSame}`;
  return new ConfigurationError(
    'the source server sets no limit to the log that a replication slot keeps (max_slot_wal_keep_size = -1); while nobody reads the slot, its disk would fill up',
    ways,
  );
}
