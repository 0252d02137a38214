import { type Family, perFamily } from '#libs/domain/family.ts';
import type { Counted } from '#libs/store/progress/instances.ts';

/** What each process has counted since its start. */
export type Counts = ReadonlyMap<string, Counted>;

/** What was found at one moment. */
export interface Measurement {
  /** Milliseconds since 1970. */
  readonly at: number;
  /** Milliseconds; null: not known. */
  readonly lag: Readonly<Record<Family, number | null>>;
  /** Null: not known. */
  readonly counts: Counts | null;
  /** Bytes that the source keeps for us; null: not known. */
  readonly retained: number | null;
}

/** What came in between two measurements, without rows of snapshots, which are no changes. */
interface Flow extends Omit<Counted, 'staged'> {
  readonly seconds: number;
}

/** What was found at one moment, or in one minute. */
export interface Sample extends Omit<Measurement, 'counts'> {
  /** Null: there is no earlier measurement to compare with. */
  readonly flow: Flow | null;
}

const MINUTE_MS = 60_000;
const MINUTES = 60;
const HOUR_MS = MINUTES * MINUTE_MS;

/** What this process has measured in the last hour, at most since its start. */
export class LastHour {
  #samples: readonly Sample[] = [];
  #before: { readonly at: number; readonly counts: Counts } | undefined;

  add({ counts, ...measured }: Measurement): void {
    const before = this.#before;
    const flow =
      before === undefined || counts === null ? null : flowBetween(before.counts, counts, measured.at - before.at);
    if (counts !== null) this.#before = { at: measured.at, counts };
    this.#samples = [...this.#samples.filter(({ at }) => at > measured.at - HOUR_MS), { ...measured, flow }];
  }

  /** Sixty, the oldest first; the last one is still running. A minute shows its longest lag, or null if any was unknown. */
  minutes(now: number): Sample[] {
    const current = Math.floor(now / MINUTE_MS);
    return Array.from({ length: MINUTES }, (_, index) => {
      const minute = current - MINUTES + 1 + index;
      const samples = this.#samples.filter(({ at }) => Math.floor(at / MINUTE_MS) === minute);
      return {
        at: minute * MINUTE_MS,
        lag: perFamily((family) => longest(samples.map(({ lag }) => lag[family]))),
        flow: sumOfFlows(samples),
        retained: samples.at(-1)?.retained ?? null,
      };
    });
  }

  /** The flow of the last `ms`; null if nothing is known of them. */
  flow(now: number, ms: number = HOUR_MS): Flow | null {
    return sumOfFlows(this.#samples.filter(({ at }) => at > now - ms));
  }
}

/** A new process has counted from 0 since its start; one that is gone adds nothing. */
function flowBetween(before: Counts, after: Counts, ms: number): Flow {
  let [streamed, changed] = [0, 0];
  for (const [name, counts] of after) {
    streamed += counts.streamed - (before.get(name)?.streamed ?? 0);
    changed += counts.changed - (before.get(name)?.changed ?? 0);
  }
  return { streamed, changed, seconds: ms / 1000 };
}

function sumOfFlows(samples: readonly Sample[]): Flow | null {
  const flows = samples.flatMap(({ flow }) => flow ?? []);
  if (flows.length === 0) return null;
  const sum = (pick: (flow: Flow) => number): number => flows.reduce((all, flow) => all + pick(flow), 0);
  return {
    streamed: sum(({ streamed }) => streamed),
    changed: sum(({ changed }) => changed),
    seconds: sum(({ seconds }) => seconds),
  };
}

const longest = (lags: readonly (number | null)[]): number | null =>
  lags.length === 0 || lags.includes(null) ? null : Math.max(...lags.map((lag) => lag ?? 0));
