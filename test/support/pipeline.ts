import { type Clock, systemClock } from '#libs/domain/clock.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { type PipelineParts, startPipeline } from '#libs/pipeline/pipeline.ts';
import { openLog } from '#libs/platform/log.ts';
import type { Database, DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { anomalyRole } from '../../services/anomaly/role.ts';
import { engagementRole } from '../../services/engagement/role.ts';
import { performanceRole } from '../../services/performance/role.ts';

export interface TestPipeline {
  /** Set after an error that retrying does not fix. */
  readonly failure: unknown;
  stop(): Promise<void>;
}

interface TestRolesOptions {
  readonly analytics: Database;
  readonly settings: FeatureSettings;
  readonly clock?: Clock;
}

export interface TestPipelineOptions extends TestRolesOptions {
  readonly source: DatabaseAddress;
  readonly maxBatch?: number;
}

/** Runs every role in this process, as `npm start` does, on databases of the test. */
export function startTestPipeline(options: TestPipelineOptions): Promise<TestPipeline> {
  const { source: address, analytics: db, maxBatch = 500 } = options;
  // Slot names are shared by the whole server, and other tests have slots there, too.
  const slotPrefix = address.database.slice(0, 50);
  const source = pgoutputSource({ address, progress: openProgressStore(db), slotPrefix, maxBatch });
  return startTestRoles({ source, name: 'pgoutput' }, options);
}

/** The same with another source of changes. */
export async function startTestRoles(
  intake: NonNullable<PipelineParts['intake']>,
  { analytics: db, settings, clock = systemClock }: TestRolesOptions,
): Promise<TestPipeline> {
  const state: { failure: unknown } = { failure: undefined };
  const stops: (() => Promise<void>)[] = [];
  await startPipeline({
    roles: [engagementRole, performanceRole, anomalyRole],
    db,
    settings,
    clock,
    log: openLog('silent'),
    intake,
    lifecycle: { add: (_, stop) => stops.unshift(stop) },
    fail: (error) => {
      state.failure = error;
      // Otherwise a test that waits for features would time out without a reason.
      console.error('the test pipeline has failed:', error);
    },
  });
  return {
    get failure() {
      return state.failure;
    },
    stop: async () => {
      for (const stop of stops) await stop();
    },
  };
}
