import { spawn } from 'node:child_process';
import path from 'node:path';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { shapeOf } from './campus.ts';
import { Meter, type Usage } from './measure.ts';
import { openProfile } from './profile.ts';
import { type BenchmarkResult, figure, type Measured, median } from './report.ts';
import type { World } from './world.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
/** Images at full size. The keys stay the same, so more images mean more rows per key. */
const SIZES = [100_000, 1_000_000, 4_000_000] as const;
const CHANGES = 10_000;
const ROUNDS = 2;
const AIM = 1.5;

interface Told {
  readonly phase: 'begin' | 'end';
  readonly wallMs: number;
  /** Of Node, seconds. */
  readonly cpu: number;
  readonly peakRssMb: number;
}

/** (d) How the cost of staging and deriving a change grows with what is already known. */
export async function scale(world: World): Promise<BenchmarkResult> {
  const count = Math.max(500, world.scaled(CHANGES));
  const sizes = SIZES.map((full) => ({ images: world.scaled(full), name: `scale_${full}`, full }));
  const runs = new Map(sizes.map(({ name }): [string, Measured[]] => [name, []]));
  try {
    for (const { name, images } of sizes) {
      await world.onServer((db) => db.query(`CREATE DATABASE ${name}`));
      await child(world, name, { mode: 'prepare', images, changes: count, round: 0 });
    }
    for (let round = 1; round <= (world.repeats ? ROUNDS : 1); round += 1) {
      // Back and forth, so that drift does not decide.
      for (const { name, images } of round % 2 === 1 ? sizes : sizes.toReversed()) {
        runs.get(name)?.push(await child(world, name, { mode: 'measure', images, changes: count, round }));
      }
    }
  } finally {
    for (const { name } of sizes)
      await world.onServer((db) => db.query(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`));
  }
  return resultOf(sizes, runs, count);
}

function resultOf(
  sizes: readonly { images: number; name: string }[],
  runs: ReadonlyMap<string, Measured[]>,
  count: number,
): BenchmarkResult {
  const measured = sizes.map(({ name, images }): Measured => {
    const all = runs.get(name) ?? [];
    return {
      name: `at ${images.toLocaleString('en')} images`,
      values: all.flatMap((run) => run.values),
      unit: 'µs of wall a change',
      ...(all.at(-1)?.usage === undefined ? {} : { usage: all.at(-1)?.usage as NonNullable<Measured['usage']> }),
    };
  });
  const [first, last] = [measured[0], measured.at(-1)];
  if (first === undefined || last === undefined) throw new RangeError('nothing was measured');
  const cpu = (run: Measured): number => (((run.usage?.node ?? 0) + (run.usage?.analytics ?? 0)) * 1e6) / count;
  return {
    letter: 'd',
    title: `${count.toLocaleString('en')} mixed changes, staged and derived, by how much is staged already`,
    verdicts: [
      {
        what: 'wall time of a change, most images over fewest',
        got: median(last.values) / median(first.values),
        unit: '×',
        bound: 'at most',
        aim: AIM,
        against: `${measured.map((run) => figure(median(run.values))).join(' / ')} µs`,
      },
      {
        what: 'CPU time of a change, most images over fewest',
        got: cpu(last) / cpu(first),
        unit: '×',
        bound: 'at most',
        aim: AIM,
        against: `${measured.map((run) => figure(cpu(run))).join(' / ')} µs of Node and Postgres`,
      },
    ],
    runs: measured,
    notes: [],
  };
}

export interface ScaleTask {
  readonly mode: 'prepare' | 'measure';
  readonly images: number;
  readonly changes: number;
  readonly round: number;
}

/** The shape with this many images over as many keys as the world has. */
export function scaleShape(world: { scale: number }, images: number): ReturnType<typeof shapeOf> {
  const shape = shapeOf(world.scale);
  const { keys } = shape;
  const share = images / 50;
  // In the shape's proportions; at least one event per key.
  const completions = Math.min(12 * keys, Math.round(12 * share));
  const grades = Math.min(8 * keys, Math.round(8 * share));
  const enrollments = Math.min(Math.round(1.5 * keys), Math.round(1.5 * share));
  return { ...shape, completions, grades, enrollments, events: images - completions - grades - enrollments };
}

async function child(world: World, database: string, task: ScaleTask): Promise<Measured> {
  const profile = openProfile(world, `${database}-${task.mode}`);
  const profiling = profile === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${profile.folder}`];
  let meter = new Meter(world.servers, null);
  let ended: { told: Told; servers: Usage } | undefined;
  const { told, servers } = await new Promise<{ told: Told; servers: Usage }>((resolve, reject) => {
    const child = spawn(process.execPath, [...profiling, 'libs/platform/launch.mjs', 'test/bench/scale-child.ts'], {
      cwd: ROOT,
      env: {
        ...process.env,
        ...addressEnv('ANALYTICS_DB', world.analyticsAddress(database)),
        BENCH_TASK: JSON.stringify({ ...task, shape: scaleShape(world, task.images) }),
      },
      stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
    });
    world.keep(child);
    child.on('message', (message) => {
      const told = message as Told;
      if (told.phase === 'end') ended = { told, servers: meter.read() };
      else {
        meter = new Meter(world.servers, null);
        profile?.begin();
      }
    });
    child.once('error', reject);
    // Its result counts only once it has ended: nobody may be connected when its database is dropped.
    child.once('exit', (code) =>
      ended === undefined ? reject(new Error(`the child ended with code ${code}`)) : resolve(ended),
    );
  });
  await profile?.end();
  return {
    name: database,
    values: [(told.wallMs * 1_000) / task.changes],
    unit: 'µs',
    usage: { ...servers, wallMs: told.wallMs, node: told.cpu, peakRssMb: told.peakRssMb },
  };
}
