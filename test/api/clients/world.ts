import { openSettings } from '#libs/families/settings.ts';
import { adoptFirstSettings } from '#libs/pipeline/adopt.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { openLog } from '#libs/platform/log.ts';
import { startReconcile } from '../../../services/reconcile/role.ts';
import { seedCampus } from '../../../services/sandbox/campus/seed.ts';
import { FakeRunner, QUICK } from '../../pipeline-runs/fake.ts';
import { createAnalyticsDatabase, createSourceDatabase } from '../../support/database.ts';
import { startTestPipeline } from '../../support/pipeline.ts';
import { untilSettled } from '../../support/settle.ts';
import { startTestApi } from '../support.ts';

/** An API on a small campus, derived as usual, with some unreadable rows; runs end at once. */
/** @param tokens without any, everybody may do everything */
export async function openLivingApi(tokens: readonly string[] = []) {
  const [source, analytics] = [await createSourceDatabase('clients'), await createAnalyticsDatabase('clients')];
  await seedCampus(source.db, { seed: 'clients', now: Date.now(), students: 60 });
  await source.db.query(`INSERT INTO grades (id, student_id, course_id, grade_item, grade_value, grade_max, timestamp)
    SELECT gen_random_uuid(), student_id, course_id, 'Essay', 5, 0, timestamp FROM grades LIMIT 5`);
  const settings = await openSettings(loadConfig({}), analytics.db);
  await adoptFirstSettings(analytics.db, settings);
  const pipeline = await startTestPipeline({
    source: source.address,
    analytics: analytics.db,
    settings,
    maxBatch: 5_000,
  });
  await untilSettled(source.db, analytics.db);
  await pipeline.stop();
  const { db, address } = analytics;
  const clock = { now: Date.now };
  const runner = new FakeRunner();
  const log = openLog('silent');
  const reconcile = startReconcile({ db, analytics: address, runner, schedule: null, clock, log, timing: QUICK });
  const api = await startTestApi(db, { clock });
  const guarded = await startTestApi(db, { clock, tokens });
  return {
    url: api.url,
    /** The same, behind the tokens. */
    guardedUrl: guarded.url,
    close: async (): Promise<void> => {
      await reconcile.stop();
      await api.stop();
      await guarded.stop();
      await analytics.drop();
      await source.drop();
    },
  };
}
export type LivingApi = Awaited<ReturnType<typeof openLivingApi>>;
