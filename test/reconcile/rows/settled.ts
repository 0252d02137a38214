import { setTimeout as sleep } from 'node:timers/promises';
import { parseLsn } from '#libs/domain/position.ts';
import type { RowWorld } from './world.ts';

/** Waits until everything that is committed at the source at this moment is staged. */
export async function untilSettled({ source, analytics }: RowWorld): Promise<void> {
  const [marker] = await source.db.query<{ lsn: string }>(
    "SELECT pg_logical_emit_message(true, 'prepadata', 'settled') AS lsn",
  );
  const wanted = parseLsn(marker?.lsn ?? '0/0');
  for (const until = Date.now() + 100_000; ; await sleep(20)) {
    const [progress] = await analytics.db.query<{ applied: bigint; phase: string }>(
      'SELECT applied, phase FROM stream_progress',
    );
    if (progress?.phase === 'streaming' && progress.applied >= wanted) return;
    if (Date.now() > until) throw new Error(`not staged up to ${wanted}: ${JSON.stringify(progress?.phase)}`);
  }
}
