import { setTimeout as sleep } from 'node:timers/promises';
import { parseLsn } from '#libs/domain/position.ts';
import { RowWorld } from './world.ts';

/** A world with this many views of one student in one course, all of them staged. */
export async function openWithViews(purpose: string, views: number): Promise<RowWorld> {
  const world = await RowWorld.open(purpose);
  await world.source.db.query(`
    INSERT INTO students (id, username) VALUES (md5('s')::uuid, 's');
    INSERT INTO courses (id, shortname) VALUES (md5('c')::uuid, 'c');
    INSERT INTO activity_logs (id, student_id, course_id, activity_type, "timestamp")
    SELECT md5('a' || n)::uuid, md5('s')::uuid, md5('c')::uuid, 'view', '2026-03-03' FROM generate_series(1, ${views}) AS n`);
  world.begin();
  await untilSettled(world);
  return world;
}

/** Waits until everything committed at the source by now is staged. */
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
