import { of } from 'rxjs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { AnyRowChange, RowOp } from '#libs/domain/change.ts';
import { startIntake } from '#libs/pipeline/intake.ts';
import { Work } from '#libs/pipeline/work.ts';
import { openLog } from '#libs/platform/log.ts';
import type { ChangeSource } from '#libs/source/contract.ts';
import { uuid } from '../api/support.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../support/database.ts';
import { testSettings } from '../support/settings.ts';

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('intake');
});
afterAll(() => analytics.drop());

const course = (n: number, op: RowOp): AnyRowChange => ({
  table: 'courses',
  op,
  id: uuid('c', n),
  position: { epoch: 1, lsn: op === 'read' ? 0n : BigInt(n) },
  after: { fullname: `Course ${n}`, shortname: null },
});

test('rows of a snapshot are staged, and count for nothing that was streamed', async () => {
  let isDone = false;
  const done = (): void => {
    isDone = true;
  };
  const changes = [course(1, 'read'), course(2, 'read'), course(3, 'create')];
  const source: ChangeSource = {
    deliveries: () => of({ batch: { changes }, done }),
    status: () => ({ state: 'streaming', detail: '', lagBytes: null, heardAt: null }),
  };
  const failures: unknown[] = [];
  const intake = startIntake({
    source,
    db: analytics.db,
    settings: testSettings(),
    work: new Work(),
    log: openLog('silent'),
    onFailure: (error) => failures.push(error),
  });
  await expect.poll(() => isDone).toBe(true);
  await intake.stop();
  expect({ staged: intake.staged, streamed: intake.streamed, failures }).toEqual({
    staged: 3,
    streamed: 1,
    failures: [],
  });
});
