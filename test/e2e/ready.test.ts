import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, test } from 'vitest';
import { readFeatures } from '../support/oracle.ts';
import { differencesOf } from './equal.ts';
import { newDataDir, Program } from './program.ts';

/** So slow that nothing moves while features are compared. */
const program = new Program(newDataDir(), { CAMPUS_PACE_MS: '3600000' });
afterAll(() => program.cleanUp(), 60_000);

interface Readiness {
  readonly status: string;
  readonly reasons?: readonly string[];
}

async function readiness(): Promise<Readiness | undefined> {
  if (!existsSync(path.join(program.dataDir, 'running.json'))) return undefined;
  const url = program.url;
  const answer = url === '' ? undefined : await fetch(`${url}/api/ready`).catch(() => undefined);
  return answer === undefined ? undefined : ((await answer.json()) as Readiness);
}

/** The first answer that has this status, or a reason like this. */
async function until(holds: (answer: Readiness) => boolean): Promise<Readiness> {
  for (const deadline = Date.now() + 180_000; Date.now() < deadline; await sleep(5)) {
    const answer = await readiness();
    if (answer !== undefined && holds(answer)) return answer;
  }
  throw new Error(`not in three minutes; the program said:\n${program.output}`);
}

test('a first start is ready when all of the snapshot is served, also where kill -9 falls into the middle of it', async () => {
  const isDeriving = ({ reasons = [] }: Readiness): boolean => reasons.some((reason) => /keys to go/.test(reason));
  for (let kills = 0; kills < 2; kills += 1) {
    program.start();
    const seen = await until((answer) => answer.status === 'ready' || isDeriving(answer));
    expect(seen.status).toBe('not ready');
    program.kill('SIGKILL');
    await program.ended();
  }
  program.start();
  await until(({ status }) => status === 'ready');
  const { source, analytics } = program.runFile;
  if (source === undefined || analytics === undefined) throw new Error('no databases');
  const served = await readFeatures(analytics);
  expect(await differencesOf(source, analytics, { atLeast: 500 })).toEqual([]);
  expect(await readFeatures(analytics)).toEqual(served);
}, 400_000);
