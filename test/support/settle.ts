import { setTimeout as sleep } from 'node:timers/promises';
import { parseLsn } from '#libs/domain/position.ts';
import type { Database } from '#libs/platform/postgres/database.ts';

/** Less than a test's timeout, so that the error can say what is still to be done. */
const DEADLINE_MS = 100_000;

/**
 * Waits until everything committed at the source by now is staged, and every mark is derived.
 * @throws Error after a deadline, saying what is still to be done
 */
export async function untilSettled(source: Database, analytics: Database, deadlineMs = DEADLINE_MS): Promise<void> {
  const [marker] = await source.query<{ lsn: string }>(
    "SELECT pg_logical_emit_message(true, 'prepadata', 'settled') AS lsn",
  );
  const wanted = parseLsn(marker?.lsn ?? '0/0');
  for (const until = Date.now() + deadlineMs; ; await sleep(20)) {
    const [state] = await analytics.query<{ applied: bigint | null; marks: number; phase: string | null }>(
      `SELECT (SELECT applied FROM stream_progress) AS applied, (SELECT phase FROM stream_progress) AS phase,
              (SELECT count(*)::integer FROM state.key_mark) + (SELECT count(*)::integer FROM state.course_mark) AS marks`,
    );
    if (state?.phase === 'streaming' && (state.applied ?? 0n) >= wanted && state.marks === 0) return;
    if (Date.now() > until)
      throw new Error(
        `not settled: wanted ${wanted}, at ${JSON.stringify({ ...state, applied: String(state?.applied) })}`,
      );
  }
}
