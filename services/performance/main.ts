import { runRoleProcess } from '#libs/pipeline/run-role.ts';
import { openSource } from '#libs/source/open.ts';
import { startPerformance } from './role.ts';

await runRoleProcess({
  role: 'performance',
  summary: 'Takes in grades and derives performance_features.',
  tables: ['grades'],
  openSource,
  start: startPerformance,
});
