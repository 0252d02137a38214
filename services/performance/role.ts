import { tablesOf } from '#libs/domain/source-tables/index.ts';
import { performanceFamily } from '#libs/families/performance.ts';
import { startDeriver } from '#libs/pipeline/derivers.ts';
import type { RoleDefinition } from '#libs/pipeline/pipeline.ts';
import { roleOf } from '#libs/pipeline/role.ts';

export const performanceRole: RoleDefinition = {
  role: 'performance',
  summary: 'Takes in grades and derives performance_features.',
  tables: tablesOf('performance'),
  start: (options) => roleOf(startDeriver(performanceFamily, options)),
};
