import { type Clock, systemClock } from '#libs/domain/clock.ts';
import type { FeatureSettings } from '#libs/families/settings.ts';
import { startIntake } from '#libs/pipeline/intake.ts';
import { startRollover } from '#libs/pipeline/rollover.ts';
import { openLog } from '#libs/platform/log.ts';
import { WorkSignal } from '#libs/platform/loop/work-signal.ts';
import type { Database, DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { startAnomaly } from '../../services/anomaly/role.ts';
import { startEngagement } from '../../services/engagement/role.ts';
import { startPerformance } from '../../services/performance/role.ts';

export interface TestPipeline {
  /** Set when the source ended in an error. */
  readonly failure: unknown;
  stop(): Promise<void>;
}

export interface TestPipelineOptions {
  readonly source: DatabaseAddress;
  readonly analytics: Database;
  readonly settings: FeatureSettings;
  readonly clock?: Clock;
  readonly maxBatch?: number;
}

/** Every role of the embedded way in this process, on databases of the test. */
export async function startTestPipeline(options: TestPipelineOptions): Promise<TestPipeline> {
  const { source: address, analytics: db, settings, clock = systemClock, maxBatch = 500 } = options;
  const log = openLog('silent');
  const wake = new WorkSignal();
  const institutionZone = settings.reading.institutionZone;
  const rollover = await startRollover({ db, institutionZone, clock, wake, log });
  const engagement = startEngagement({ db, settings, wake, log });
  const performance = startPerformance({ db, settings, wake, log });
  const anomaly = startAnomaly({ db, settings, wake, log });
  // The names of slots belong to the whole server, and other tests have theirs on it.
  const slotPrefix = address.database.slice(0, 50);
  const source = pgoutputSource({ address, progress: openProgressStore(db), slotPrefix, maxBatch });
  const state: { failure: unknown } = { failure: undefined };
  const intake = startIntake({
    source,
    db,
    settings,
    wake,
    log,
    onFailure: (error) => {
      state.failure = error;
      // Else a test that waits for features waits in vain and says nothing.
      console.error('the source of the test pipeline has failed:', error);
    },
  });
  return {
    get failure() {
      return state.failure;
    },
    stop: async () => {
      await intake.stop();
      await engagement.stop();
      await performance.stop();
      await anomaly.stop();
      await rollover.stop();
    },
  };
}
