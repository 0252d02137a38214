import { processCpu, processMemory, serverCpu, serverMemory } from '../measure.ts';

/** What all processes of one name have used over their lifetimes. */
export interface Cost {
  /** Seconds. */
  readonly cpu: number;
  /** MB: the most that was held at once. */
  readonly peakRssMb: number;
}

/** By name, in the order of first appearance. */
export type CostsByName = ReadonlyMap<string, Cost>;

interface Watched {
  readonly name: string;
  readonly pid: number;
  readonly isServer: boolean;
  cpu: number;
  peakRssMb: number;
}

const SAMPLE_MS = 1_000;

/** Tracks what processes use, from when each is named until it is gone. */
export class Costs {
  readonly #watched: Watched[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor() {
    this.#timer = setInterval(() => this.#look(), SAMPLE_MS);
    this.#timer.unref();
  }

  /** @param isServer the process is a postmaster, so its children count */
  watch(name: string, pid: number, isServer = false): void {
    this.#watched.push({ name, pid, isServer, cpu: 0, peakRssMb: 0 });
  }

  /** For a process that has ended: what it had used at the last look. */
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
      // Nothing can be read of a process that is gone.
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

/** Who worked between two readings, busiest first, in cores: "connect 0.41, engagement 0.30". */
export function describeBusy(before: CostsByName, after: CostsByName, seconds: number): string {
  const cores = [...after].map(([name, { cpu }]) => ({ name, cores: (cpu - (before.get(name)?.cpu ?? 0)) / seconds }));
  const busy = cores.filter((entry) => entry.cores >= 0.01).toSorted((a, b) => b.cores - a.cores);
  const all = busy.reduce((sum, entry) => sum + entry.cores, 0);
  return `${all.toFixed(2)} cores: ${busy.map((entry) => `${entry.name} ${entry.cores.toFixed(2)}`).join(', ')}`;
}
