import { tablesOf } from '#libs/domain/source-tables/index.ts';
import { runRoleProcess } from '#libs/pipeline/run-role.ts';
import { openSource } from '#libs/source/open.ts';
import { startEngagement } from './role.ts';

await runRoleProcess({
  role: 'engagement',
  summary: 'Takes in what students do and derives engagement_features and the courses.',
  intake: { tables: [...tablesOf(null), ...tablesOf('engagement')], openSource },
  start: startEngagement,
});
