import type { Queryable } from '#libs/platform/postgres/database.ts';
import { findUnreconciledEpoch } from '#libs/store/runs/runs.ts';

/** What an epoch over Kafka may still lack, because the reconcile that has to follow came to nothing. */
export async function newEpochTroubles(db: Queryable): Promise<string[]> {
  const found = await findUnreconciledEpoch(db);
  if (found?.last_status !== 'failed' && found?.last_status !== 'cancelled') return [];
  const [how, next] =
    found.last_status === 'failed'
      ? ['failed (GET /api/pipeline/status says why)', `it is begun again at ${found.due_at.toISOString()}`]
      : ['was cancelled', 'run npm run reconcile -- --once, or wait for the scheduled one'];
  const what = found.resumed
    ? `rows that were loaded with COPY while the connector was started again, at ${found.since.toISOString()}, may be missing`
    : `rows deleted at the source before epoch ${found.epoch} may still count`;
  return [`${what}: the reconcile that finds them ${how}; ${next}`];
}
