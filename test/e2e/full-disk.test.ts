import { spawnSync } from 'node:child_process';
import { appendFileSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { createSourceDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import { newDataDir, Program, runCommand } from './program.ts';

/*
 * The program on databases of its own user's, with its data folder on a half-megabyte disk: a tmpfs, which only root can
 * mount, and not everywhere.
 */

const dataDir = newDataDir();
const filler = path.join(dataDir, 'filler');
const mount = (): boolean => spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=512k', 'none', dataDir]).status === 0;
const isSmall = process.platform === 'linux' && process.getuid?.() === 0 && mount();

let program: Program;
let source: TestDatabase;
let analytics: TestDatabase;
let env: Record<string, string>;

beforeAll(async () => {
  source = await createSourceDatabase('full_disk_lms');
  analytics = await createTestDatabase('full_disk');
  env = {
    ...addressEnv('SOURCE_DB', source.address),
    ...addressEnv('ANALYTICS_DB', analytics.address),
    SOURCE_SLOT: `full_disk_${process.pid}`,
    LOG_LEVEL: 'debug',
  };
  program = new Program(dataDir, env);
});
afterAll(async () => {
  program.kill('SIGKILL');
  await program.ended();
  if (isSmall) spawnSync('umount', [dataDir]);
  await program.cleanUp();
  await source.drop();
  await analytics.drop();
});

function fill(): void {
  for (const bytes of [4096, 1]) {
    try {
      for (;;) appendFileSync(filler, Buffer.alloc(bytes));
    } catch {
      // Full, except for less than one write of this size.
    }
  }
}

const log = (): string => readFileSync(path.join(dataDir, 'prepadata.log'), 'utf8');

async function dropped(): Promise<number> {
  const text = await (await fetch(`${program.url}/metrics`)).text();
  return Number(/^prepadata_log_lines_dropped_total (\d+)$/m.exec(text)?.[1]);
}

test('with nobody who reads what it prints, and with no room for its log, it goes on; its log says what is missing', async () => {
  await program.start().untilReady();
  expect(await dropped()).toBe(0);
  program.hangUp();
  if (isSmall) fill();
  for (let n = 0; n < 30; n += 1) expect(await program.get('/nowhere')).toMatchObject({ status: 404 });
  if (isSmall) expect(await dropped()).toBeGreaterThan(20);
  await source.db.query(`INSERT INTO students (external_id) VALUES ('late')`);
  await expect.poll(async () => (await program.get('/api/ready')).status).toBe(200);
  if (isSmall) {
    rmSync(filler);
    expect(await program.get('/nowhere')).toMatchObject({ status: 404 });
    expect(log()).toMatch(/"dropped":\d+,"msg":"lines that could not be written and are missing here: \d+ \(ENOSPC/);
  }
  const refusals = log()
    .split('\n')
    .filter((line) => line.includes('a request failed: not_found'));
  expect(refusals.length).toBeGreaterThan(0);
  for (const line of refusals) expect(line).not.toContain('"stack"');
  expect(await program.stop()).toEqual({ code: 0, signal: null });
}, 300_000);

test.skipIf(!isSmall)('on a disk that is full from the start it says which folder, and what to do', async () => {
  fill();
  expect(await runCommand(['services/sandbox/local/main.ts'], { ...env, DATA_DIR: dataDir })).toEqual({
    code: 1,
    output: expect.stringMatching(/the data folder \S+ cannot be written to: ENOSPC.*\n.*set DATA_DIR/),
  });
  rmSync(filler);
});
