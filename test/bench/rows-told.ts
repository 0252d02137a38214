import pg from 'pg';
import type { Database, DatabaseAddress } from '#libs/platform/postgres/database.ts';
import type { Shape } from './campus.ts';
import { keyIds } from './load.ts';

/**
 * Notifies listeners of each feature row that is written: Postgres delivers it after the commit that shows the row, so
 * it is never early; its own delay is measured beside it. It works inside the product's transactions and makes them no
 * faster.
 */
const TELL = `
  CREATE SCHEMA bench;
  CREATE FUNCTION bench.tell() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_notify('bench', new.student_id || ' ' || new.course_id || ' ' || coalesce(new.events_count, 0));
    RETURN NULL;
  END $$;
  CREATE TRIGGER bench_tell AFTER INSERT OR UPDATE ON engagement_features FOR EACH ROW EXECUTE FUNCTION bench.tell()`;

const TIMES = 100;

/** A key by our integers, as in a feature row. */
export interface KnownKey {
  readonly student: number;
  readonly course: number;
  /** The events that its row counts now. */
  readonly events: number;
}

export const keyOf = (student: number | string, course: number | string): string => `${student} ${course}`;

/** The current events of these keys of the shape; a key without a row is left out. */
export async function knownKeys(
  db: Database,
  keys: readonly number[],
  shape: Shape,
): Promise<ReadonlyMap<number, KnownKey>> {
  const rows = await db.query<KnownKey & { student_source: string; course_source: string }>(
    `SELECT s.source_id AS student_source, c.source_id AS course_source, student_id AS student, course_id AS course,
            coalesce(events_count, 0) AS events
     FROM engagement_features JOIN student AS s USING (student_id) JOIN course AS c USING (course_id)`,
  );
  const bySource = new Map(rows.map((row) => [`${row.student_source} ${row.course_source}`, row]));
  const known = new Map<number, KnownKey>();
  for (const key of keys) {
    const { student, course } = keyIds(key, shape);
    const row = bySource.get(`${student} ${course}`);
    if (row !== undefined) known.set(key, row);
  }
  return known;
}

export interface RowsTold {
  /** From sending a notification to its arrival, milliseconds: an upper bound of what observing adds. */
  readonly channel: readonly number[];
  end(): Promise<void>;
}

/** Calls `told` with the key's name and its events whenever its row of engagement_features has changed. */
export async function listenToRows(
  db: Database,
  address: DatabaseAddress,
  told: (key: string, events: number) => void,
): Promise<RowsTold> {
  await db.query(TELL);
  const listener = new pg.Client(address);
  await listener.connect();
  await listener.query('LISTEN bench');
  const channel = await measureChannel(db, listener);
  listener.on('notification', ({ payload = '' }) => {
    const [student = '', course = '', events] = payload.split(' ');
    told(keyOf(student, course), Number(events));
  });
  return {
    channel,
    end: async () => {
      await listener.end();
      await db.query('DROP SCHEMA bench CASCADE');
    },
  };
}

const TELL_STAGING = `
  CREATE SCHEMA bench_staging;
  CREATE FUNCTION bench_staging.tell() RETURNS trigger LANGUAGE plpgsql AS $$
  BEGIN
    PERFORM pg_notify('bench_staging', '');
    RETURN NULL;
  END $$;
  CREATE TRIGGER bench_staging AFTER INSERT ON state.key_mark FOR EACH STATEMENT EXECUTE FUNCTION bench_staging.tell()`;

/** Calls `told` whenever marks have been committed. */
export async function listenToStaging(
  db: Database,
  address: DatabaseAddress,
  told: () => void,
): Promise<{ end(): Promise<void> }> {
  await db.query(TELL_STAGING);
  const listener = new pg.Client(address);
  await listener.connect();
  await listener.query('LISTEN bench_staging');
  listener.on('notification', told);
  return {
    end: async () => {
      await listener.end();
      await db.query('DROP SCHEMA bench_staging CASCADE');
    },
  };
}

async function measureChannel(db: Database, listener: pg.Client): Promise<number[]> {
  const times: number[] = [];
  for (let time = 0; time < TIMES; time += 1) {
    const arrived = new Promise<number>((resolve) => {
      listener.once('notification', () => resolve(performance.now()));
    });
    const sentAt = performance.now();
    await db.query("SELECT pg_notify('bench', '')");
    times.push((await arrived) - sentAt);
  }
  return times;
}
