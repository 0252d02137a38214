import type { Verdict } from '#libs/domain/run.ts';
import { runReconcileProcess } from '../../services/reconcile/process.ts';
import { ALL_EQUAL, databaseFault, endless, FakeRunner, QUICK, resultOf, tally } from './fake.ts';

/* The reconcile role as a process, with the runner that FAKE_RUNNER names. */

const differing = (repaired: number): Verdict => ({
  ...ALL_EQUAL,
  tables: { grades: tally({ equal: 1_200, missing: 2, repaired }) },
  kinds: { 'row missed': 2 },
  examples: [
    { where: 'grades', kind: 'row missed', key: 'e1', expected: '7 of 10', found: null, repaired: repaired > 0 },
  ],
});

const RUNNERS: Readonly<Record<string, FakeRunner>> = {
  equal: new FakeRunner(),
  repairing: new FakeRunner(({ dryRun }) => resultOf(differing(dryRun ? 0 : 2))),
  leaving: new FakeRunner(() => resultOf(differing(1))),
  away: new FakeRunner(() => Promise.reject(databaseFault())),
  endless,
};

const runner = RUNNERS[process.env['FAKE_RUNNER'] ?? 'equal'];
if (runner === undefined) throw new Error(`there is no runner ${process.env['FAKE_RUNNER']}`);
await runReconcileProcess({ openRunner: () => runner, timing: QUICK });
