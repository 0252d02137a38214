import { processCpu, processMemory, serverCpu, serverMemory } from '../measure.ts';

/** What the processes of one name have used, all their lives together. */
export interface Cost {
  /** Seconds. */
  readonly cpu: number;
  /** MB: the most that was held at once. */
  readonly peakRssMb: number;
}

/** By name, in the order in which they were first seen. */
export type CostsByName = ReadonlyMap<string, Cost>;

interface Watched {
  readonly name: string;
  readonly pid: number;
  readonly isServer: boolean;
  cpu: number;
  peakRssMb: number;
}

const SAMPLE_MS = 1_000;

/** Keeps account of processes, from being told of each until it is gone. */
export class Costs {
  readonly #watched: Watched[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#look(), SAMPLE_MS);
    this.#timer.unref();
  }

  /** @param isServer the process is a postmaster, and its children count */
  watch(name: string, pid: number, isServer = false): void {
    this.#watched.push({ name, pid, isServer, cpu: 0, peakRssMb: 0 });
  }

  /** Of one that has ended: what it had used when it was last looked at. */
  read(): CostsByName {
    this.#look();
    const costs = new Map<string, Cost>();
    for (const { name, cpu, peakRssMb } of this.#watched) {
      const before = costs.get(name) ?? { cpu: 0, peakRssMb: 0 };
      costs.set(name, { cpu: before.cpu + cpu, peakRssMb: Math.max(before.peakRssMb, peakRssMb) });
    }
    return costs;
  }

  stop(): void {
    clearInterval(this.#timer);
  }

  #look(): void {
    for (const watched of this.#watched) {
      const { pid, isServer } = watched;
      // Of a process that is gone nothing can be read.
      watched.cpu = Math.max(watched.cpu, isServer ? serverCpu(pid) : processCpu(pid));
      watched.peakRssMb = Math.max(watched.peakRssMb, isServer ? serverMemory(pid) : peakOf(pid));
    }
  }
}

function peakOf(pid: number): number {
  try {
    const { peak } = processMemory(pid);
    return Number.isNaN(peak) ? 0 : peak;
  } catch {
    return 0;
  }
}

/** Who was at work between two readings, busiest first, as cores: "connect 0.41, engagement 0.30". */
export function describeBusy(before: CostsByName, after: CostsByName, seconds: number): string {
  const cores = [...after].map(([name, { cpu }]) => ({ name, cores: (cpu - (before.get(name)?.cpu ?? 0)) / seconds }));
  const busy = cores.filter((entry) => entry.cores >= 0.01).toSorted((a, b) => b.cores - a.cores);
  const all = busy.reduce((sum, entry) => sum + entry.cores, 0);
  return `${all.toFixed(2)} cores: ${busy.map((entry) => `${entry.name} ${entry.cores.toFixed(2)}`).join(', ')}`;
}
