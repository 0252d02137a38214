import type pg from 'pg';
import { parseLsn } from '#libs/domain/position.ts';

/** The server whose log the positions belong to. */
export interface SourceServer {
  /** System identifier, timeline and database: what must be the same for positions to be comparable. */
  readonly identity: string;
  /** How far its log reaches. */
  readonly walEnd: bigint;
}

/** Asks a replication connection which server it is connected to. */
export async function identifyServer(replication: pg.Client): Promise<SourceServer> {
  const result = await replication.query<{ systemid: string; timeline: number; xlogpos: string; dbname: string }>(
    'IDENTIFY_SYSTEM',
  );
  const row = result.rows[0];
  if (row === undefined) throw new Error('IDENTIFY_SYSTEM gave no row');
  return { identity: `${row.systemid}/${row.timeline}/${row.dbname}`, walEnd: parseLsn(row.xlogpos) };
}

/** Tries to take a lock that ends with the session; it is counted, and has to be released as often as it was taken. */
export async function tryLock(control: pg.Client, name: string): Promise<{ got: boolean; holder: number | null }> {
  const { rows } = await control.query<{ got: boolean; holder: number | null }>(
    `SELECT pg_try_advisory_lock(k) AS got,
            (SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1
                AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                AND ((classid::bigint << 32) | objid::bigint) = k LIMIT 1) AS holder
       FROM hashtextextended($1, 0) AS k`,
    [name],
  );
  return rows[0] ?? { got: false, holder: null };
}

/** The log's end, and a current 64-bit transaction id. */
export async function readNow(control: pg.Client): Promise<{ walEnd: bigint; xid: bigint }> {
  const result = await control.query<{ lsn: string; xid: string }>(
    'SELECT pg_current_wal_flush_lsn()::text AS lsn, pg_snapshot_xmax(pg_current_snapshot())::text AS xid',
  );
  const row = result.rows[0];
  if (row === undefined) throw new Error('the server did not say where its log ends');
  return { walEnd: parseLsn(row.lsn), xid: BigInt(row.xid) };
}
