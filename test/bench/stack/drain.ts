import type { BenchmarkResult } from '../report.ts';
import { describeBusy } from './costs.ts';
import type { StackWorld } from './world.ts';

const CHANGES = { small: 3_000, full: 300_000 };
const AIM = 1;

/** (c) A backlog that Debezium puts into the topics while no role runs; then the roles work on it. */
export async function drain(world: StackWorld): Promise<BenchmarkResult> {
  const count = world.of(CHANGES);
  await world.startRoles();
  await world.finished();
  await world.stopRoles();
  const fill = await fillTopics(world, count);
  const before = world.costs.read();
  await world.startRoles();
  const readyAt = performance.now();
  const { staged, derived, told } = await world.finished();
  const busy = describeBusy(before, world.costs.read(), (told - readyAt) / 1000);
  const rate = (until: number): number => count / ((until - readyAt) / 1000);
  const run = (name: string, value: number) => ({ name, values: [value], unit: 'changes/s' });
  return {
    letter: 'c',
    title: `a backlog of ${count.toLocaleString('en')} mixed changes in the topics, to finished features`,
    verdicts: [
      {
        what: 'changes a second until all features are final, of what Debezium fills',
        got: rate(derived) / fill.rate,
        unit: '×',
        bound: 'at least',
        aim: AIM,
        against: `staging ends at ${(rate(staged) / fill.rate).toFixed(2)} ×`,
      },
    ],
    runs: [
      run('Debezium fills the topics', fill.rate),
      run('the roles, until all is staged', rate(staged)),
      run('the roles, until all features are final', rate(derived)),
      run('the roles, until the feature topics have them', rate(told)),
    ],
    notes: [`while Debezium fills: ${fill.busy}`, `while the roles drain: ${busy}`],
  };
}

/** Writes while the connector is stopped, so that Debezium is measured and not the writer. */
async function fillTopics(world: StackWorld, count: number): Promise<{ rate: number; busy: string }> {
  await world.stopBare();
  await world.holdConnector();
  await world.campus.live(count);
  const held = async (): Promise<number> => (await world.marks()).reduce((sum, { high }) => sum + Number(high), 0);
  const start = await held();
  await world.releaseConnector();
  let beganAt = performance.now();
  let before = world.costs.read();
  for (let now = start; now < start + count; now = await held()) {
    // Until the first record arrives, the connector is only starting.
    if (now === start) {
      beganAt = performance.now();
      before = world.costs.read();
    }
    await world.pause();
  }
  const seconds = (performance.now() - beganAt) / 1000;
  return { rate: count / seconds, busy: describeBusy(before, world.costs.read(), seconds) };
}
