import { existsSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { createSourceDatabase, type TestDatabase } from '../support/database.ts';
import { compareFeatures, readFeatures } from '../support/oracle.ts';
import { differencesOf } from './equal.ts';
import { newDataDir, Program } from './program.ts';

/** A source of the test's own, so that nothing moves while features are compared. */
let source: TestDatabase;
let program: Program;

beforeAll(async () => {
  source = await createSourceDatabase('ready');
  await seedCampus(source.db, { students: 150, seed: 'ready', now: Date.now() });
  program = new Program(newDataDir(), {
    ...addressEnv('SOURCE_DB', source.address),
    SOURCE_SLOT: source.address.database.slice(0, 50),
    SOURCE_SLOT_LIMIT: 'none',
  });
});
afterAll(async () => {
  await program.cleanUp();
  await source.drop();
});

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

/** The first answer for which it holds. */
async function until(holds: (answer: Readiness) => boolean): Promise<Readiness> {
  for (const deadline = Date.now() + 180_000; Date.now() < deadline; await sleep(5)) {
    const answer = await readiness();
    if (answer !== undefined && holds(answer)) return answer;
  }
  throw new Error(`not in three minutes; the program said:\n${program.output}`);
}

test('a first start is ready when all of the snapshot is served, also where kill -9 falls into the middle of it', async () => {
  const isDeriving = ({ reasons = [] }: Readiness): boolean => reasons.some((reason) => /keys to go/.test(reason));
  const writing = new pg.Client(source.address);
  await writing.connect();
  await writing.query(`BEGIN; INSERT INTO students (external_id) VALUES ('never committed')`);
  for (let kills = 0; kills < 2; kills += 1) {
    program.start();
    if (kills === 0) {
      await expect.poll(() => program.output).toContain('making the replication slot');
      await writing.end();
      await expect.poll(() => program.output).toMatch(/snapshot: [\d,]+ of about [\d,]+ rows/);
    }
    const seen = await until((answer) => answer.status === 'ready' || isDeriving(answer));
    expect(seen.status).toBe('not ready');
    program.kill('SIGKILL');
    await program.ended();
  }
  program.start();
  await until(({ status }) => status === 'ready');
  const { analytics } = program.runFile;
  if (analytics === undefined) throw new Error('no databases');
  const served = await readFeatures(analytics);
  expect(await differencesOf(source.address, analytics, { atLeast: 250 })).toEqual([]);
  expect(compareFeatures(await readFeatures(analytics), served)).toEqual([]);
}, 400_000);
