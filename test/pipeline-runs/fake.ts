import { setTimeout as sleep } from 'node:timers/promises';
import type { Tally, Verdict } from '#libs/domain/run.ts';
import type { RunContext, Runner, RunResult } from '#libs/reconcile/contract.ts';
import type { RunTiming } from '#libs/reconcile/jobs/timing.ts';

/* Stands in for the reconcile. Child processes use it too, so nothing here may depend on the test runner. */

/** As in production, with much shorter times. */
export const QUICK: RunTiming = {
  leaseMs: 1_500,
  heartbeatMs: 50,
  retryMs: [100, 200],
  graceMs: 200,
  silenceMs: 60_000,
};

export const tally = (counts: Partial<Tally> = {}): Tally => ({
  equal: 0,
  mismatched: 0,
  missing: 0,
  extra: 0,
  repaired: 0,
  ...counts,
});

export const ALL_EQUAL: Verdict = {
  tables: { grades: tally({ equal: 3 }) },
  features: { 'performance_features.avg_grade': tally({ equal: 2 }) },
  kinds: {},
  examples: [],
  skipped: 0,
};

export const resultOf = (verdict: Verdict = ALL_EQUAL): RunResult => ({
  verdict,
  recordsProcessed: 5,
  recordsFailed: 0,
});

/** The driver's error when a server is gone. */
export const databaseFault = (): Error =>
  Object.assign(new Error('connect ECONNREFUSED 127.0.0.1:5432'), { code: 'ECONNREFUSED' });

/** Does what the test says, and records the contexts it was given. */
export class FakeRunner implements Runner {
  readonly contexts: RunContext[] = [];
  readonly #work: (context: RunContext, attempt: number) => Promise<RunResult> | RunResult;

  constructor(work: (context: RunContext, attempt: number) => Promise<RunResult> | RunResult = () => resultOf()) {
    this.#work = work;
  }

  async run(context: RunContext): Promise<RunResult> {
    this.contexts.push(context);
    return this.#work(context, this.contexts.length);
  }
}

/** Works until told to stop. */
export const endless = new FakeRunner(async ({ signal, progress }) => {
  for (let done = 0; ; done += 1) {
    progress({ phase: 'working', done, total: null });
    await sleep(10, undefined, { signal });
  }
});

/** Works on whatever it is given, until the gate opens. */
export class Gate {
  readonly opened: Promise<void>;
  open: () => void = () => {};

  constructor() {
    this.opened = new Promise((resolve) => {
      this.open = resolve;
    });
  }
}
