import { randomFrom } from '../../../services/sandbox/campus/random.ts';
import { atRandom, click, keyIds, newClick, shuffled } from '../load.ts';
import { Meter, processCpu, serverCpu } from '../measure.ts';
import { Observer, type Seen } from '../observer.ts';
import { untilCaughtUp } from '../product.ts';
import { type BenchmarkResult, quantile } from '../report.ts';
import { everything } from './everything.ts';
import { EXACTLY_ONCE, featuresTopic, WORKING } from './streams.ts';
import type { PeersWorld } from './world.ts';

const PER_SECOND = 200;
const SECONDS = 20;
const WARM_UP_SECONDS = 4;
const TIMEOUT_MS = 60_000;

interface Steady {
  readonly name: string;
  /** From commit to visible, milliseconds, of those that were seen. */
  readonly times: readonly number[];
  readonly missing: number;
  /** Seconds, for all changes. */
  readonly cpu: number;
}

/** (c) From a commit to the features that show it, at a steady rate: each contestant in turn, on its own changes. */
export async function steady(peers: PeersWorld): Promise<BenchmarkResult> {
  if (!peers.isFilled) await everything(peers);
  const ours = await ofProduct(peers);
  const once = { ...WORKING.atOnce, ...EXACTLY_ONCE };
  const theirs = [
    await ofStreams(peers, 'Kafka Streams behind its pump', WORKING.atOnce),
    await ofStreams(peers, 'Kafka Streams behind its pump, exactly once', once),
  ];
  const { changes } = sizes(peers);
  const at = ({ times }: Steady, share: number): number => (times.length === 0 ? Number.NaN : quantile(times, share));
  return {
    letter: 'c',
    title: `from commit to visible features at ${PER_SECOND} changes a second`,
    verdicts: [0.5, 0.99].map((share) => ({
      what: `p${100 * share} of the product, of Kafka Streams`,
      got: at(ours, share) / Math.min(...theirs.map((each) => at(each, share))),
      unit: '×',
      bound: 'at most',
      aim: 1,
      against: theirs.map((each) => `${each.name} ${at(each, share).toFixed(2)} ms`).join(', '),
    })),
    runs: [ours, ...theirs].flatMap((each) => [
      { name: `${each.name}, p50`, values: [at(each, 0.5)], unit: 'ms' },
      { name: `${each.name}, p99`, values: [at(each, 0.99)], unit: 'ms' },
      { name: `${each.name}, CPU`, values: [(each.cpu / changes) * 1e6], unit: 'CPU s a million' },
    ]),
    notes: [
      ...(peers.world.repeats ? [] : ['a small run: the JVM is cold, so that its times say nothing']),
      ...[ours, ...theirs].map(({ name, times, missing }) => `${name}: ${times.length} changes, ${missing} never seen`),
    ],
  };
}

/** A small run is just long enough to show that it works. */
function sizes({ world }: PeersWorld): { warmUp: number; changes: number } {
  const warmUp = PER_SECOND * (world.repeats ? WARM_UP_SECONDS : 0.25);
  return { warmUp, changes: warmUp + PER_SECOND * (world.repeats ? SECONDS : 1) };
}

function keysFor(peers: PeersWorld, seed: string): number[] {
  const { keys } = peers.world.shape;
  return shuffled(keys, randomFrom(seed)).slice(0, sizes(peers).changes);
}

function measured(peers: PeersWorld, name: string, log: readonly Seen[], cpu: number): Steady {
  const counted = log.slice(Math.min(sizes(peers).warmUp, Math.floor(log.length / 4)));
  const times = counted.map((seen) => seen.visibleAt - seen.committedAt).filter(Number.isFinite);
  return { name, times, missing: counted.length - times.length, cpu };
}

async function ofProduct(peers: PeersWorld): Promise<Steady> {
  const { world } = peers;
  const product = await world.startProduct();
  try {
    await untilCaughtUp(product, await world.source(), world.analyticsAddress());
    return await world.onAnalytics(async (db) => {
      const order = keysFor(peers, 'product');
      const observer = await Observer.open(world, db, order);
      try {
        const meter = new Meter(world.servers, product.pid);
        await atRandom(order.length, 'steady', (index) => observer.touch(index), { perSecond: PER_SECOND });
        await observer.untilSeen(0, order.length, TIMEOUT_MS);
        const { node, source, analytics } = meter.read();
        return measured(peers, 'the product', observer.log, (node ?? 0) + source + analytics);
      } finally {
        await observer.end();
      }
    });
  } finally {
    await product.stop();
  }
}

async function ofStreams(peers: PeersWorld, name: string, settings: Readonly<Record<string, string>>): Promise<Steady> {
  const { world, broker } = peers;
  const source = await world.source();
  const pump = await peers.startPump();
  const job = await peers.startJob('careful', settings);
  try {
    await pump.untilAtEnd(source);
    const watch = await Watch.open(peers, keysFor(peers, name));
    const cpu = (): number => processCpu(job.pid) + processCpu(broker.pid) + pump.cpu + serverCpu(world.servers.source);
    const before = cpu();
    await atRandom(watch.log.length, 'steady', (index) => watch.touch(index), { perSecond: PER_SECOND });
    await watch.untilSeen(TIMEOUT_MS);
    const spent = cpu() - before;
    await watch.end();
    return measured(peers, name, watch.log, spent);
  } finally {
    await job.stop();
    await pump.stop();
  }
}

/** Touches keys and watches the feature topic until it shows them. */
class Watch {
  readonly log: readonly Seen[];
  readonly #peers: PeersWorld;
  readonly #order: readonly number[];
  readonly #events = new Map<string, number>();
  readonly #waiting = new Map<string, { seen: Seen; events: number }>();
  #stop: () => Promise<void> = async () => {};

  private constructor(peers: PeersWorld, order: readonly number[]) {
    this.#peers = peers;
    this.#order = order;
    this.log = order.map(() => ({ committedAt: Number.NaN, decodedAt: Number.NaN, visibleAt: Number.NaN }));
  }

  static async open(peers: PeersWorld, order: readonly number[]): Promise<Watch> {
    const watch = new Watch(peers, order);
    watch.#stop = await peers.topics.follow(featuresTopic('careful'), (key, line) => {
      const events = Number(line.slice(0, line.indexOf('\t')));
      watch.#events.set(key, events);
      const waiting = watch.#waiting.get(key);
      if (waiting === undefined || events <= waiting.events) return;
      waiting.seen.visibleAt = performance.now();
      watch.#waiting.delete(key);
    });
    return watch;
  }

  async touch(index: number): Promise<void> {
    const [seen, k] = [this.log[index], this.#order[index]];
    if (seen === undefined || k === undefined) return;
    const { world } = this.#peers;
    const { student, course } = keyIds(k, world.shape);
    const key = `${student} ${course}`;
    this.#waiting.set(key, { seen, events: this.#events.get(key) ?? 0 });
    await click(await world.source(), newClick(), k, world.shape);
    seen.committedAt = performance.now();
  }

  async untilSeen(timeoutMs: number): Promise<void> {
    const until = performance.now() + timeoutMs;
    while (this.#waiting.size > 0 && performance.now() < until) await pause();
  }

  end(): Promise<void> {
    return this.#stop();
  }
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 1));
