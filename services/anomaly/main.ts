import { runRoleProcess } from '#libs/pipeline/run-role.ts';
import { openSource } from '#libs/source/open.ts';
import { anomalyRole } from './role.ts';

await runRoleProcess(anomalyRole, openSource);
