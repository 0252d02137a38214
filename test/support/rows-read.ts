import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '#libs/platform/postgres/database.ts';

const COUNTED = `SELECT ((SELECT sum(seq_tup_read) FROM pg_stat_user_tables)
  + (SELECT sum(idx_tup_read) FROM pg_stat_user_indexes))::float8 AS rows`;

async function counted(db: Database): Promise<number> {
  const [answer] = await db.query<{ rows: number }>(COUNTED);
  return answer?.rows ?? Number.NaN;
}

/**
 * Rows and index entries that the work reads, whatever the plan.
 * @param db where they are counted
 * @param name of the work's own sessions, which it closes: a server counts a session's when it ends
 */
export async function rowsReadBy(db: Database, name: string, work: () => Promise<void>): Promise<number> {
  const before = await counted(db);
  await work();
  while ((await db.query('SELECT FROM pg_stat_activity WHERE application_name = $1', [name])).length > 0)
    await sleep(10);
  return (await counted(db)) - before;
}
