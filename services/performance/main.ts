import { runRoleProcess } from '#libs/pipeline/run-role.ts';
import { openSource } from '#libs/source/open.ts';
import { performanceRole } from './role.ts';

await runRoleProcess(performanceRole, openSource);
