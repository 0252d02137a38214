import { existsSync } from 'node:fs';
import type { Clock } from '#libs/domain/clock.ts';
import { MS_PER_DAY } from '#libs/domain/local-date.ts';
import { openSettings } from '#libs/families/settings.ts';
import { adoptFirstSettings } from '#libs/pipeline/adopt.ts';
import { startPipeline } from '#libs/pipeline/pipeline.ts';
import { analyticsAddress, loadConfig, requireAddress, sourceAddress } from '#libs/platform/config/config.ts';
import { openLog } from '#libs/platform/log.ts';
import { pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { openAnalytics } from '#libs/store/schema/open.ts';
import { anomalyRole } from '../../services/anomaly/role.ts';
import { engagementRole } from '../../services/engagement/role.ts';
import { performanceRole } from '../../services/performance/role.ts';

// Every role in one process, with the roles' usual time limits, on a clock that is a day behind until a file exists.
const newDay = process.env['BENCH_NEW_DAY'] ?? '';
const clock: Clock = { now: () => Date.now() - (existsSync(newDay) ? 0 : MS_PER_DAY) };

const config = loadConfig();
const address = requireAddress(analyticsAddress(config), 'ANALYTICS_DB', 'the database to derive in');
const stopping = new AbortController();
const log = openLog('warn');
const db = await openAnalytics(address, {
  connections: 12,
  worksOnQueues: true,
  name: 'prepadata midnight',
  role: 'writer',
  log,
  signal: stopping.signal,
});
const settings = await openSettings(config, db);
await adoptFirstSettings(db, settings);
const stops: (() => Promise<void>)[] = [];
await startPipeline({
  roles: [engagementRole, performanceRole, anomalyRole],
  db,
  settings,
  clock,
  log,
  intake: {
    source: pgoutputSource({
      address: requireAddress(sourceAddress(config), 'SOURCE_DB', 'the database to read'),
      progress: openProgressStore(db),
      slotPrefix: config.SOURCE_SLOT,
    }),
    name: 'pgoutput',
  },
  lifecycle: { add: (_, stop) => stops.unshift(stop) },
  fail: (error) => {
    console.error(error);
    process.exit(1);
  },
});
process.once('SIGTERM', async () => {
  for (const stop of stops) await stop();
  await db.close();
  process.exit(0);
});
