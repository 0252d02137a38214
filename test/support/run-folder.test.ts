import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test, vi } from 'vitest';
import { identifyProcess } from '#libs/platform/process-identity.ts';

const RUN = `
  import path from 'node:path';
  import { spawn } from 'node:child_process';
  import { openRunFolder } from './test/support/run-folder.ts';
  import { startEmbeddedPostgres } from '#libs/platform/embedded-postgres/embedded.ts';
  const { folder } = openRunFolder();
  const server = await startEmbeddedPostgres({ folder: path.join(folder, 'cluster') });
  const program = spawn('sleep', ['1000'], { detached: true, stdio: 'ignore' });
  console.log(JSON.stringify({ folder, pids: [server.pid, program.pid] }));
  setInterval(() => {}, 1_000);
`;

const isRunning = (pid: number): boolean => identifyProcess(pid) !== undefined;

test('a run that is killed leaves no server, no program and no folder behind', async () => {
  const run = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '--eval', RUN], {
    cwd: path.resolve(import.meta.dirname, '../..'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = await once(createInterface(run.stdout), 'line');
  const { folder, pids } = JSON.parse(line) as { folder: string; pids: number[] };
  expect(pids.filter(isRunning)).toEqual(pids);
  run.kill('SIGKILL');
  await vi.waitUntil(() => !existsSync(folder), { timeout: 60_000 });
  expect(pids.filter(isRunning)).toEqual([]);
});
