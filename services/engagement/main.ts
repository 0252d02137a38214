import { runRoleProcess } from '#libs/pipeline/run-role.ts';
import { openSource } from '#libs/source/open.ts';
import { engagementRole } from './role.ts';

await runRoleProcess(engagementRole, openSource);
