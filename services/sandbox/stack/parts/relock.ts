import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runProgram } from '#libs/platform/program.ts';
import { describeFetched } from './fetch.ts';
import { formatLock, LOCK_FILE } from './lock-file.ts';

const CALL = 'node libs/platform/launch.mjs services/sandbox/stack/parts/relock.ts';

/*
 * Rewrites parts.lock.json from what Maven fetches for pom.xml, after a version there was changed. Review the changes in the
 * lock file before committing it.
 */
await runProgram({ name: 'relock', call: CALL, usage: `${CALL}   pins the parts of the stack anew\n` }, async () => {
  const described = await describeFetched(path.join(tmpdir(), `prepadata-relock-${process.pid}`));
  writeFileSync(LOCK_FILE, formatLock(described));
  process.stdout.write(`${Object.keys(described).length} files pinned\n`);
  return 0;
});
