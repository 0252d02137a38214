import fc from 'fast-check';
import { habit, writtenRow } from './rows.ts';
import type { Step } from './source-model.ts';

export interface StepWeights {
  readonly writes: number;
  /** Many rows at once, of a student with a habit. */
  readonly habits: number;
  readonly deletes: number;
  readonly truncates: number;
  readonly resyncs: number;
  readonly midnights: number;
}

/** The next step at the source. Few slots, so that the same rows are written again and again. */
export function stepWith(weights: StepWeights): fc.Arbitrary<Step> {
  const table = fc.constantFrom('activity_logs' as const, 'grades' as const, 'enrollments' as const);
  const slot = fc.integer({ min: 1, max: 9 });
  return fc.oneof(
    {
      weight: weights.writes,
      arbitrary: fc.record({ kind: fc.constant('write' as const), slot, written: writtenRow, toast: fc.boolean() }),
    },
    { weight: weights.habits, arbitrary: fc.record({ kind: fc.constant('habit' as const), rows: habit }) },
    { weight: weights.deletes, arbitrary: fc.record({ kind: fc.constant('delete' as const), table, slot }) },
    {
      weight: weights.deletes > 0 ? 1 : 0,
      arbitrary: fc.record({ kind: fc.constant('rekey' as const), table, slot, to: slot }),
    },
    { weight: weights.truncates, arbitrary: fc.record({ kind: fc.constant('truncate' as const), table }) },
    { weight: weights.resyncs, arbitrary: fc.constant({ kind: 'resync' as const }) },
    {
      weight: weights.midnights,
      arbitrary: fc.record({ kind: fc.constant('midnight' as const), days: fc.constantFrom(1, 1, 2, 7, 30) }),
    },
  );
}
