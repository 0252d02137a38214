import { tablesOf } from '#libs/domain/source-tables/index.ts';
import { runRoleProcess } from '#libs/pipeline/run-role.ts';
import { openSource } from '#libs/source/open.ts';
import { startPerformance } from './role.ts';

await runRoleProcess({
  role: 'performance',
  summary: 'Takes in grades and derives performance_features.',
  intake: { tables: tablesOf('performance'), openSource },
  start: startPerformance,
});
