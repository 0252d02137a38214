import path from 'node:path';
import { processCpu, processMemory, serverCpu } from '../measure.ts';
import { type BenchmarkResult, figure, type Measured } from '../report.ts';
import { compareLines, describeGate, type FeatureLines, type Gate, storedLines } from './columns.ts';
import { exportRows, type Pass, pass } from './duckdb.ts';
import { NAMES, VARIANTS, WORKING } from './streams.ts';
import type { PeersWorld } from './world.ts';

/** One contestant, finished with everything there was. */
export interface Entry {
  readonly name: string;
  readonly gate: Gate;
  /** Seconds, of all its processes. */
  readonly cpu: number;
  readonly wallMs: number;
  readonly peakRssMb: number;
}

/** The cost of bringing the changes into Kafka: the pump, and the source that it reads. */
export type Pumped = Omit<Entry, 'gate'>;

/** The product's own measurement as an entry. */
export async function productEntry(peers: PeersWorld, { usage }: Measured, truth: FeatureLines): Promise<Entry> {
  if (usage === undefined) throw new Error('the product was not measured');
  const { node, source, analytics, wallMs, peakRssMb } = usage;
  return {
    name: 'the product',
    gate: compareLines(truth, await peers.world.onAnalytics(storedLines)),
    cpu: (node ?? 0) + source + analytics,
    wallMs,
    peakRssMb: (peakRssMb ?? 0) + peers.analyticsPeakMb,
  };
}

const PASS_NAMES: Readonly<Record<Pass, string>> = {
  careful: 'DuckDB',
  rows: 'DuckDB, counting rows',
};

/** Both DuckDB passes over everything there is, including the export. */
export async function duckdbEntries({ world, today }: PeersWorld, truth: FeatureLines): Promise<Entry[]> {
  const folder = path.join(world.folder, 'duckdb');
  const [cpuBefore, beganAt] = [serverCpu(world.servers.source), performance.now()];
  await exportRows(await world.source(), folder);
  const exported = { cpu: serverCpu(world.servers.source) - cpuBefore, wallMs: performance.now() - beganAt };
  const entries: Entry[] = [];
  for (const which of ['careful', 'rows'] as const) {
    const { features, cpu, wallMs, peakRssMb } = await pass(which, folder, today, (child) => world.keep(child));
    entries.push({
      name: PASS_NAMES[which],
      gate: compareLines(truth, features),
      cpu: exported.cpu + cpu,
      wallMs: exported.wallMs + wallMs,
      peakRssMb,
    });
  }
  return entries;
}

/** Brings everything, or what has changed since, into the topic. */
export async function pumped(peers: PeersWorld): Promise<Pumped> {
  const source = await peers.world.source();
  const [cpuBefore, beganAt] = [serverCpu(peers.world.servers.source), performance.now()];
  const pump = await peers.startPump();
  await pump.untilAtEnd(source);
  const spent = {
    name: 'the pump into Kafka',
    cpu: pump.cpu + serverCpu(peers.world.servers.source) - cpuBefore,
    wallMs: performance.now() - beganAt,
    peakRssMb: processMemory(pump.pid).peak,
  };
  await pump.stop();
  return spent;
}

/** Each variant of the job on the topic's contents, one after another, measured from when it is ready. */
export async function streamsEntries(peers: PeersWorld, truth: FeatureLines): Promise<Entry[]> {
  const { pid: broker } = peers.broker;
  const entries: Entry[] = [];
  for (const variant of VARIANTS) {
    const job = await peers.startJob(variant, WORKING.through);
    const [cpuBefore, beganAt] = [processCpu(job.pid) + processCpu(broker), performance.now()];
    await job.untilCaughtUp();
    const spent = {
      cpu: processCpu(job.pid) + processCpu(broker) - cpuBefore,
      wallMs: performance.now() - beganAt,
      peakRssMb: processMemory(job.pid).peak + processMemory(broker).peak,
    };
    await job.stop();
    const gate = compareLines(truth, await job.features());
    entries.push({ name: NAMES[variant], gate, ...spent });
  }
  return entries;
}

export interface Contest {
  readonly letter: string;
  readonly title: string;
  /** Rows or changes; CPU is given per million of them. */
  readonly count: number;
  readonly product: Entry;
  readonly duckdb: readonly Entry[];
  readonly pump: Pumped;
  readonly streams: readonly Entry[];
}

/** Who was right, and what each cost, side by side. */
export function resultOf({ letter, title, count, product, duckdb, pump, streams }: Contest): BenchmarkResult {
  const [[careful], [whole]] = [streams, duckdb];
  if (careful === undefined || whole === undefined) throw new RangeError('not all were measured');
  const perMillion = ({ cpu }: Pumped): number => (cpu / count) * 1e6;
  const run = (each: Pumped, name: string): Measured => ({
    name,
    values: [perMillion(each)],
    unit: 'CPU s a million',
    peakRssMb: each.peakRssMb,
  });
  const judged = [product, ...duckdb, ...streams];
  const took = [...judged, pump].map(({ name, wallMs }) => `${name} ${(wallMs / 1000).toFixed(1)} s`);
  return {
    letter,
    title,
    verdicts: [
      {
        what: 'wrong rows of the product',
        got: product.gate.wrong,
        unit: 'rows',
        bound: 'at most',
        aim: 0,
        against: `Kafka Streams ${careful.gate.wrong}, DuckDB ${whole.gate.wrong}, of ${product.gate.of}`,
      },
      {
        what: 'CPU of the product, of Kafka Streams with its pump',
        got: product.cpu / (careful.cpu + pump.cpu),
        unit: '×',
        bound: 'at most',
        aim: 1,
        against: `it is ${figure(product.cpu / whole.cpu)} × that of a pass of DuckDB`,
      },
    ],
    runs: [...judged.map((entry) => run(entry, `${entry.name}: ${describeGate(entry.gate)}`)), run(pump, pump.name)],
    notes: [took.join('; '), ...judged.filter(({ gate }) => gate.wrong > 0).map(wrongColumns)],
  };
}

const wrongColumns = ({ name, gate }: Entry): string =>
  `wrong of ${name}: ${gate.columns
    .slice(0, 4)
    .map(([column, rows]) => `${column} in ${rows.toLocaleString('en')}`)
    .join(', ')}`;
