import { z } from 'zod';
import { totalsOf, type Verdict } from '#libs/domain/run.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { count, instant, known } from './answers.ts';
import { sql } from './statements.ts';

export const lastReconcileAnswer = known(
  z.strictObject({
    run_id: z.uuid(),
    status: z.enum(['succeeded', 'failed']),
    finished_at: instant,
    verdict: known(
      z.strictObject({ equal: count, different: count, repaired: count, left: count }),
      'Rows and values together; null where it failed. GET /api/pipeline/status has it in full',
    ),
  }),
  'The last reconcile of everything, dry runs aside; null before the first',
);
export type LastReconcile = z.output<typeof lastReconcileAnswer>;

interface LogRow {
  readonly run_id: string;
  readonly status: 'succeeded' | 'failed';
  readonly completed_at: Date;
  readonly verdict: Verdict | null;
}

export async function readLastReconcile(db: Queryable): Promise<LastReconcile> {
  const [row] = await db.query<LogRow>(sql.last_reconcile);
  if (row === undefined) return null;
  return {
    run_id: row.run_id,
    status: row.status,
    finished_at: row.completed_at.toISOString(),
    verdict: row.verdict === null ? null : totalsOf(row.verdict),
  };
}
