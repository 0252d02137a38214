import type pg from 'pg';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';

/**
 * Settings that every session of ours relies on, whatever its role, database or server says (ALTER ROLE … SET, ALTER
 * DATABASE … SET), with the accepted values; a session that begins with another value gets the first. Settings unknown to a
 * server are left out. Even an accepted value is set explicitly: otherwise a change for the whole server (ALTER SYSTEM and
 * a reload) would reach living sessions. Set by a statement and not while connecting: a pooler refuses a connection that
 * brings settings, and a server refuses settings of a later version.
 */
const RELIED_ON: Readonly<Record<string, readonly [string, ...string[]]>> = {
  // A read may take as long as it needs, and a pooled connection may be idle for as long as nothing happens.
  statement_timeout: ['0'],
  lock_timeout: ['0'],
  transaction_timeout: ['0'],
  idle_in_transaction_session_timeout: ['0'],
  idle_session_timeout: ['0'],
  exit_on_error: ['off'],
  // How values are written as text, and read from it.
  datestyle: ['ISO, MDY'],
  intervalstyle: ['postgres'],
  timezone: ['UTC'],
  client_encoding: ['UTF8'],
  bytea_output: ['hex'],
  extra_float_digits: ['1', '2', '3'],
  array_nulls: ['on'],
  standard_conforming_strings: ['on'],
  transform_null_equals: ['off'],
  quote_all_identifiers: ['off'],
  // Which table a name means, and that a table shows all of its rows or fails.
  search_path: ['public'],
  row_security: ['off'],
  restrict_nonsystem_relation_kind: [''],
  // A transaction may write, each statement sees what is committed by then, and a commit is safe on disk.
  default_transaction_isolation: ['read committed'],
  default_transaction_read_only: ['off'],
  synchronous_commit: ['on', 'local', 'remote_write', 'remote_apply'],
  // A statement is planned once per connection: plans for its actual values were no better, and took planning each time.
  // JIT would compile it again at each execution.
  plan_cache_mode: ['force_generic_plan'],
  jit: ['off'],
};

const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
const row = ([name, values]: [string, readonly string[]]): string =>
  `(${quoted(name)}, ARRAY[${values.map(quoted).join(', ')}])`;

/**
 * Fit for the simple protocol, the only one that a replication connection understands. A role must not influence plans
 * either: each enable_* goes back to Postgres' built-in default.
 */
const settle = (settings: typeof RELIED_ON): string => `
  SELECT set_config(s.name, CASE WHEN s.setting = ANY (w.accepted) THEN s.setting ELSE coalesce(w.accepted[1], s.boot_val) END, false)
    FROM pg_catalog.pg_settings AS s
    LEFT JOIN (VALUES ${Object.entries(settings).map(row).join(', ')}) AS w (name, accepted) ON w.name = lower(s.name)
   WHERE CASE WHEN w.name IS NOT NULL THEN s.context = 'user' OR s.setting <> ALL (w.accepted)
              ELSE s.name LIKE 'enable%' AND s.source IN ('global', 'database', 'user', 'database user') AND s.setting <> s.boot_val END`;

/** What a program with its own formats for values relies on: that it may take its time, write, and see what is committed. */
const OF_OTHERS = /timeout$|^exit_on_error$|^default_transaction_/;

/** One statement that settles a session which another program opens for us. */
export const settleForOthers = (): string =>
  settle(Object.fromEntries(Object.entries(RELIED_ON).filter(([name]) => OF_OTHERS.test(name))))
    .replaceAll(/\s+/g, ' ')
    .trim();

/** A session lacks a setting that we rely on, and cannot be given it. */
export class SessionRefused extends ConfigurationError {}

/**
 * Gives a new session the settings that we rely on.
 * @param besides further settings and their values
 * @throws SessionRefused when the user may not change one; the driver's errors
 */
export async function settleSession(client: pg.ClientBase, besides: Record<string, string> = {}): Promise<void> {
  const more = Object.entries(besides).map(([name, value]) => [name, [value]] as const);
  try {
    // In statements of their own: a short timeout does not end the next one, and in that one names are those of Postgres.
    await client.query('SET statement_timeout = 0; SET search_path = pg_catalog');
    await client.query(settle({ ...RELIED_ON, ...Object.fromEntries(more) }));
  } catch (error) {
    if ((error as { code?: unknown }).code !== '42501') throw error;
    throw new SessionRefused(
      `a session of the user "${(client as pg.Client).user ?? ''}" begins with a setting that it cannot work with, and may not change it: ${messageOf(error)}`,
      'take the setting away where it stands: ALTER ROLE <user> RESET <setting>; or ALTER DATABASE <name> RESET <setting>; \\drds of psql shows them',
      { cause: error },
    );
  }
}

/** Connects a client and settles its session; a failure leaves no connection behind. */
export async function connectSettled(client: pg.Client, besides?: Record<string, string>): Promise<void> {
  try {
    await client.connect();
    await settleSession(client, besides);
  } catch (error) {
    client.end().catch(() => {});
    throw error;
  }
}
