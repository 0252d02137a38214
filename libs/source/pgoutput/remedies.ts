import { ConfigurationError } from '#libs/domain/errors.ts';

/** What an administrator of the source's server is told to do, where only they can. */

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
