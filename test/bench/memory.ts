import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { keepClicking } from './load.ts';
import { Meter, processMemory } from './measure.ts';
import { type Product, untilCaughtUp } from './product.ts';
import { type BenchmarkResult, figure } from './report.ts';
import type { World } from './world.ts';

const CHANGES = 20_000;
const SECONDS = 10;
const AIM_MB = 300;

/** (g) The memory of `npm start`, with every role and the API in one process. */
export async function memory(world: World): Promise<BenchmarkResult> {
  await world.snapshotTaken();
  const source = await world.source();
  await world.live(world.scaled(CHANGES));
  const product = await world.startProduct();
  try {
    const meter = new Meter(world.servers, product.pid);
    await untilCaughtUp(product, source, world.analyticsAddress());
    const caughtUp = processMemory(product.pid).peak;
    const stop = keepClicking(source, world.shape);
    const until = performance.now() + 1_000 * (world.repeats ? SECONDS : 1);
    while (performance.now() < until) await ask(product);
    await stop();
    await untilCaughtUp(product, source, world.analyticsAddress());
    const { peak, now } = processMemory(product.pid);
    const bare = await bareMemory();
    return {
      letter: 'g',
      title: `memory of every role and the API in one process, at ${world.shape.keys.toLocaleString('en')} keys`,
      verdicts: [
        {
          what: 'peak RSS',
          got: peak,
          unit: 'MB',
          bound: 'at most',
          aim: AIM_MB,
          against: `${figure(peak / bare)} × a bare Node of ${figure(bare)} MB`,
        },
      ],
      runs: [{ name: 'the product, at the end', values: [now], unit: 'MB', usage: meter.read() }],
      notes: [`${figure(caughtUp)} MB after a backlog of ${world.scaled(CHANGES).toLocaleString('en')} changes`],
    };
  } finally {
    await product.stop();
  }
}

/** What a dashboard requests. */
async function ask(product: Product): Promise<void> {
  const url = await product.untilServing();
  for (const path of [
    '/api/students?limit=100',
    '/api/engagement/trends?days=30&limit=100',
    '/api/freshness',
    '/metrics',
  ]) {
    const response = await fetch(`${url}${path}`);
    await response.text();
    if (!response.ok) throw new Error(`${path} answered ${response.status}`);
  }
}

/** The memory of a Node that has loaded nothing. */
async function bareMemory(): Promise<number> {
  const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
  await sleep(500);
  const { peak } = processMemory(child.pid ?? 0);
  child.kill();
  return peak;
}
