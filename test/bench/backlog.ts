import { together, upsertFloor } from './floor.ts';
import { Meter } from './measure.ts';
import { untilCaughtUp } from './product.ts';
import { openProfile } from './profile.ts';
import { type BenchmarkResult, type Measured, median } from './report.ts';
import type { World } from './world.ts';

const CHANGES = 300_000;
const AIM = 0.15;

/** (b) From what piled up while the product was away to finished features. */
export async function backlog(world: World): Promise<BenchmarkResult> {
  const count = world.scaled(CHANGES);
  await world.snapshotTaken();
  // The same backlog for each run, on a copy of what the product knew before it.
  const forks = [...(world.repeats ? ['backlog_first'] : []), 'backlog_staging'];
  for (const fork of forks) await world.fork(fork);
  await world.live(count);

  const floors = [await upsertFloor(world, count)];
  const product = world.repeats ? [await catchUp(world, count, 'backlog_first')] : [];
  const staging = await catchUp(world, count, 'backlog_staging', 'test/bench/intake-alone.ts');
  floors.push(await upsertFloor(world, count));
  product.push(await catchUp(world, count));
  for (const fork of forks) await world.dropFork(fork);

  const floor = together(floors);
  world.floor = floor;
  const whole = together(product);
  return {
    letter: 'b',
    title: `a backlog of ${count.toLocaleString('en')} mixed changes to finished features`,
    verdicts: [
      {
        what: 'changes a second, of the floor',
        got: median(whole.values) / median(floor.values),
        unit: '×',
        bound: 'at least',
        aim: AIM,
        against: `staging alone reaches ${(median(staging.values) / median(floor.values)).toFixed(3)} ×`,
      },
    ],
    runs: [whole, staging, floor],
    notes: [],
  };
}

/** Starts the product, or the intake alone, on a backlog, and measures from its first contact with the source to the end. */
export async function catchUp(world: World, count: number, fork?: string, program?: string): Promise<Measured> {
  const source = await world.source();
  const profile = openProfile(world, program === undefined ? 'backlog' : 'staging');
  const product = await world.startProduct({ program, profile: profile?.folder }, fork);
  try {
    const meter = new Meter(world.servers, product.pid);
    profile?.begin();
    await untilCaughtUp(product, source, world.analyticsAddress(fork), program === undefined ? 'derived' : 'staged');
    const usage = meter.read();
    const name = program === undefined ? 'the product' : 'staging alone';
    return { name, values: [count / (usage.wallMs / 1000)], unit: 'changes/s', usage };
  } finally {
    await product.stop();
    await profile?.end();
  }
}
