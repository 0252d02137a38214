import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { chanceOf } from '../property/disturbance.ts';
import { differencesOf } from './equal.ts';
import { WRITES, writeOn } from './load.ts';
import { eventually, Program } from './program.ts';
import { seededDataDir } from './seeded.ts';

/*
 * kill -9 of the program and of either of its Postgres servers, at random moments while rows are written. `KILLS` sets how
 * many (npm run test:kills: 50), `KILLS_SEED` the victims and moments; the seed is in the name of the test.
 */

const KILLS = Number(process.env['KILLS'] ?? 3);
const SEED = Number(process.env['KILLS_SEED'] ?? Math.floor(Math.random() * 1_000_000));
const VICTIMS = ['program', 'source', 'analytics'] as const;

/** Paced so slowly that the campus does nothing by itself while features are compared. */
let program: Program;

beforeAll(async () => {
  program = new Program(await seededDataDir(), { CAMPUS_PACE_MS: '3600000' });
  await program.start().untilReady();
}, 240_000);
afterAll(() => program?.cleanUp(), 60_000);

async function kill(victim: (typeof VICTIMS)[number]): Promise<void> {
  if (victim === 'program') {
    program.kill('SIGKILL');
    await program.ended();
    expect(program.servers()).toHaveLength(2);
    await sleep(200);
    program.start();
    return;
  }
  const pid = program.serverPid(victim);
  process.kill(pid, 'SIGKILL');
  await eventually(async () => ![0, pid].includes(program.serverPid(victim)));
}

test(
  `lose nothing and double nothing (seed ${SEED}, ${KILLS} kills)`,
  async () => {
    console.log(`kills: KILLS_SEED=${SEED} KILLS=${KILLS}`);
    const chance = chanceOf(SEED);
    const shift = Math.floor(chance() * VICTIMS.length);
    for (let round = 0; round < KILLS; round += 1) {
      // Takes turns from a random start, so that even a short run hits each of them.
      const victim = VICTIMS[(round + shift) % VICTIMS.length] ?? 'program';
      const { source: sourceAddress, analytics: analyticsAddress } = program.runFile;
      if (sourceAddress === undefined || analyticsAddress === undefined) throw new Error('no databases');
      const { source, close } = program.open();
      const load = writeOn(source, WRITES);
      await sleep(100 + chance() * 1_500);
      await kill(victim);
      const soFar = load.rounds();
      await eventually(async () => load.rounds() > soFar + 2);
      await load.stop();
      await program.untilReady();
      await close();
      expect(
        await differencesOf(sourceAddress, analyticsAddress, { atLeast: 150 }),
        `round ${round}: ${victim}`,
      ).toEqual([]);
    }
    expect(await program.stop()).toEqual({ code: 0, signal: null });
    expect(program.servers()).toEqual([]);
  },
  60_000 + KILLS * 60_000,
);
