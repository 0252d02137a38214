import { execFileSync } from 'node:child_process';
import { existsSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { inject } from 'vitest';
import { alone } from '../support/alone.ts';
import { newDataDir, Program } from './program.ts';

/**
 * A data folder of the test's own in which `npm start` has run before: the small campus, read and derived, its servers stopped.
 * Made once per run and copied, because a first start costs seven times as much as a later one. Tests of a first start begin
 * with `newDataDir`.
 */
export async function seededDataDir(): Promise<string> {
  const made = path.join(inject('runFolder'), 'seeded');
  await alone(`${made}.making`, async () => {
    if (!existsSync(made)) await make(made);
  });
  const dataDir = newDataDir();
  // Keeps the owner, who is not always us.
  execFileSync('cp', ['-a', `${made}/.`, dataDir]);
  return dataDir;
}

async function make(folder: string): Promise<void> {
  const program = new Program(newDataDir(), { CAMPUS_PACE_MS: '3600000', PIPELINE_SCHEDULE: 'off' });
  try {
    await program.start().untilReady();
    const ended = await program.stop();
    if (ended.code !== 0)
      throw new Error(`the program that others are copied from ended otherwise:\n${program.output}`);
    // Each copy has its own of these, and takes its own port.
    for (const name of [
      'source/port',
      'analytics/port',
      'source/postgres.log',
      'analytics/postgres.log',
      'prepadata.log',
    ])
      rmSync(path.join(program.dataDir, name), { force: true });
    renameSync(program.dataDir, folder);
  } finally {
    await program.cleanUp();
  }
}
