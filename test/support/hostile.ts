import type { Database } from '#libs/platform/postgres/database.ts';

/**
 * Settings that somebody may have given a role or a database, and that would break or distort a session of ours that
 * inherited them. Timeouts are long enough for one statement, but too short for a long read or idle time.
 */
export const HOSTILE_DEFAULTS: Readonly<Record<string, string>> = {
  statement_timeout: '700ms',
  lock_timeout: '300ms',
  transaction_timeout: '900ms',
  idle_in_transaction_session_timeout: '300ms',
  idle_session_timeout: '700ms',
  exit_on_error: 'on',
  datestyle: 'German, DMY',
  intervalstyle: 'sql_standard',
  timezone: 'Asia/Kathmandu',
  client_encoding: 'LATIN1',
  bytea_output: 'escape',
  extra_float_digits: '-12',
  array_nulls: 'off',
  standard_conforming_strings: 'off',
  transform_null_equals: 'on',
  quote_all_identifiers: 'on',
  search_path: 'pg_temp, decoy',
  row_security: 'off',
  restrict_nonsystem_relation_kind: 'view, foreign-table',
  default_transaction_isolation: 'serializable',
  default_transaction_read_only: 'on',
  default_transaction_deferrable: 'on',
  synchronous_commit: 'off',
  session_replication_role: 'replica',
  plan_cache_mode: 'force_custom_plan',
  jit: 'on',
  jit_above_cost: '0',
  work_mem: '64kB',
  enable_seqscan: 'off',
  enable_indexscan: 'off',
  enable_indexonlyscan: 'off',
  enable_bitmapscan: 'off',
  enable_hashjoin: 'off',
  enable_mergejoin: 'off',
  enable_nestloop: 'off',
  enable_sort: 'off',
  enable_hashagg: 'off',
};

/**
 * Sets all that this server has for the sessions of a role.
 * @param admin a superuser
 * @param database only for sessions there; otherwise wherever the database has no setting of its own
 */
export async function makeHostile(admin: Database, role: string, database?: string): Promise<void> {
  const known = await admin.query<{ name: string }>('SELECT lower(name) AS name FROM pg_settings');
  const names = new Set(known.map(({ name }) => name));
  const where = database === undefined ? '' : ` IN DATABASE ${database}`;
  for (const [name, value] of Object.entries(HOSTILE_DEFAULTS)) {
    const list = name === 'search_path' ? value : `'${value}'`;
    if (names.has(name)) await admin.query(`ALTER ROLE ${role}${where} SET ${name} = ${list}`);
  }
}
