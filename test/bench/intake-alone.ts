import { setTimeout as sleep } from 'node:timers/promises';
import { openSettings } from '#libs/families/settings.ts';
import { startIntake } from '#libs/pipeline/intake.ts';
import { Work } from '#libs/pipeline/work.ts';
import { analyticsAddress, loadConfig, sourceAddress } from '#libs/platform/config/config.ts';
import { onSignals } from '#libs/platform/lifecycle.ts';
import { openLog } from '#libs/platform/log.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';

// The intake of `npm start` with nothing beside it: the cost of staging when nobody derives. Runs until a signal.
const config = loadConfig();
const [source, analytics] = [sourceAddress(config), analyticsAddress(config)];
if (source === undefined || analytics === undefined) throw new Error('SOURCE_DB_HOST and ANALYTICS_DB_HOST are needed');
const db = openDatabase(analytics, { connections: 12 });
const settings = await openSettings(config, db);
const log = openLog(config.LOG_LEVEL);
const intake = startIntake({
  source: pgoutputSource({
    address: source,
    progress: openProgressStore(db),
    publication: config.SOURCE_PUBLICATION,
    slotPrefix: config.SOURCE_SLOT,
    maxBatch: config.BATCH_SIZE,
  }),
  db,
  settings,
  work: new Work(),
  log,
  onFailure: (error) => {
    console.error(error);
    process.exit(1);
  },
});
const stopping = new AbortController();
onSignals(() => stopping.abort());
while (!stopping.signal.aborted) await sleep(1_000, undefined, { signal: stopping.signal }).catch(() => {});
await intake.stop();
await db.close();
process.exit(0);
