import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, isDatabaseFault } from '#libs/platform/postgres/database.ts';

/** A little of every kind, on rows that the campus has. */
export const WRITES = [
  `INSERT INTO activity_logs (student_id, course_id, activity_type, resource_id, timestamp, metadata)
   SELECT student_id, course_id, 'view', 'r' || floor(random() * 20), now(), NULL FROM enrollments ORDER BY random() LIMIT 20`,
  'DELETE FROM activity_logs WHERE id IN (SELECT id FROM activity_logs ORDER BY random() LIMIT 3)',
  'UPDATE grades SET grade_value = floor(random() * 10) WHERE id IN (SELECT id FROM grades ORDER BY random() LIMIT 3)',
];

/**
 * Writes until told to stop; if the server is away it tries again, as any connector does.
 * @param pauseMs between two rounds, to leave some of the machine to the readers
 */
export function writeOn(
  source: Database,
  writes: readonly string[],
  pauseMs = 0,
): { rounds(): number; stop(): Promise<void> } {
  let rounds = 0;
  let stopped = false;
  const writing = (async (): Promise<void> => {
    while (!stopped) {
      try {
        for (const text of writes) await source.query(text);
        rounds += 1;
        if (pauseMs > 0) await sleep(pauseMs);
      } catch (error) {
        if (!isDatabaseFault(error)) throw error;
        await sleep(50);
      }
    }
  })();
  return {
    rounds: () => rounds,
    stop: () => {
      stopped = true;
      return writing;
    },
  };
}
