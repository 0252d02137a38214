import type { PlantedBug } from './bugs.ts';

const RUNS = ['test/pipeline-runs/books.test.ts'];
const RECONCILE_UNDER_LOAD = ['test/reconcile/no-false-alarm.test.ts'];
const PLANTED_CORRUPTIONS = ['test/reconcile/planted.test.ts'];

/** Defects in pipeline runs and the nightly reconcile. */
export const BUGS_OF_PROOF: readonly PlantedBug[] = [
  {
    name: 'guard of a run without its lock: another process takes the run while a transaction of it is open',
    file: 'libs/store/runs/sql/run_guard.sql',
    from: 'FOR KEY SHARE',
    to: '',
    tests: RUNS,
  },
  {
    name: 'a lease is renewed by whoever asks: two processes believe that they have the run',
    file: 'libs/store/runs/sql/run_renew.sql',
    from: 'AND lease_owner = $2 AND',
    to: 'AND $2::uuid IS NOT NULL AND',
    tests: RUNS,
  },
  {
    name: 'a lease that has run out counts as held: a run whose process died is stuck',
    file: 'libs/store/runs/sql/run_claim.sql',
    from: 'ELSE lease_until END',
    to: "ELSE 'infinity' END",
    tests: RUNS,
  },
  {
    name: 'reconcile compares what has changed since its snapshot: lag is taken for divergence',
    file: 'libs/reconcile/rows/visibility.ts',
    from: '  if ((xid - xmax) >>> 0 < AHEAD) return false;',
    to: '',
    tests: ['test/reconcile/rows/no-false-alarm.test.ts'],
  },
  {
    name: 'ranges of the reconcile are planned once for all: each reads the table from its first row on',
    file: 'libs/reconcile/rows/connection.ts',
    from: '  await telling(() => link.client.query(PLANNED_BY_VALUES));',
    to: '',
    tests: ['test/reconcile/rows/ranges.test.ts'],
  },
  {
    name: 'reconcile takes what was written before its snapshot, and committed after it, for seen',
    file: 'libs/reconcile/rows/visibility.ts',
    from: 'return !running.has(xid);',
    to: 'return running.size >= 0;',
    tests: ['test/reconcile/rows/visibility.test.ts', 'test/reconcile/rows/no-false-alarm.test.ts'],
  },
  {
    name: 'reconcile compares at once, and does not wait until the stream has passed its snapshot',
    file: 'libs/reconcile/rows/stream.ts',
    from: 'return row.applied >= lsn ? true : undefined;',
    to: 'return row.applied >= lsn || row.applied < lsn;',
    tests: ['test/reconcile/rows/bad-days.test.ts'],
  },
  {
    name: 'reconcile believes a difference though a change may still be on its way to another partition',
    file: 'libs/reconcile/rows/rechecks.ts',
    from: 'const isSure = [...waiting.values()].includes(true);',
    to: 'const isSure = false;',
    tests: ['test/reconcile/rows/overtaken.test.ts'],
  },
  {
    name: 'a repair overwrites what came in after it was compared',
    file: 'libs/store/images/repair.ts',
    from: 'if (repair?.found === undefined || !sameImage(repair.found, image)) continue;',
    to: 'if (repair?.found === undefined) continue;',
    tests: ['test/store/repair.test.ts'],
  },
  {
    name: 'reconcile judges keys that are about to be derived',
    file: 'libs/store/keys/sql/reconcile_keys.sql',
    from: 'mark.priority IN (0, 1, 2)',
    to: 'mark.priority IN (9)',
    tests: RECONCILE_UNDER_LOAD,
  },
  {
    name: 'reconcile judges keys whose course is about to move',
    file: 'libs/store/keys/sql/reconcile_keys.sql',
    from: "WHERE mark.course_id = wanted.course_id AND (NOT mark.of_class OR $1 = 'anomaly')",
    to: 'WHERE false',
    tests: ['test/reconcile/features/bad-days.test.ts'],
  },
  {
    name: 'reconcile judges keys in the midst of an initial snapshot, which marks them at its end',
    file: 'libs/store/keys/sql/reconcile_keys.sql',
    from: "EXISTS (SELECT FROM stream_progress WHERE phase = 'snapshot')",
    to: 'false',
    tests: ['test/reconcile/features/bad-days.test.ts'],
  },
  {
    name: 'the reconcile reads a key piece by piece, each of another moment',
    file: 'libs/store/keys/statements.ts',
    from: 'SET TRANSACTION ISOLATION LEVEL REPEATABLE READ READ ONLY',
    to: 'SET TRANSACTION ISOLATION LEVEL READ COMMITTED READ ONLY',
    tests: RECONCILE_UNDER_LOAD,
  },
  {
    name: 'reconcile judges the keys of a wrong course by its wrong row',
    file: 'libs/reconcile/features/course-rechecks.ts',
    from: 'return new Map([...this.#rechecks.keys()].map((courseId) => [courseId, null]));',
    to: 'return new Map();',
    tests: PLANTED_CORRUPTIONS,
  },
  {
    name: 'what keys say of their course is repaired before the rest is found',
    file: 'libs/reconcile/features/feature-reconciler.ts',
    from: 'if (!this.#affected.has(keyName(key)) || family.heldBack.length >= MOST_HELD_BACK) return [comparison];',
    to: 'if (family.heldBack.length < MOST_HELD_BACK) return [comparison];',
    tests: PLANTED_CORRUPTIONS,
  },
  {
    name: 'what was sent is not written down: reconcile cannot tell what the topic knows',
    file: 'libs/store/features/sql/outbox_sent.sql',
    from: 'version = ANY ($5::bigint[]) FROM gone',
    to: 'version = ANY ($5::bigint[]) FROM gone WHERE version < 0',
    tests: PLANTED_CORRUPTIONS,
  },
];
