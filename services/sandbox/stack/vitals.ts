import { readFileSync } from 'node:fs';

/** What the API says about the stack, as far as it answers. */
export interface Vitals {
  /** 'unknown' while the API does not answer, 'guarded' if it asks for a token. */
  readonly health: 'ready' | 'not ready' | 'unknown' | 'guarded';
  readonly reasons: readonly string[];
  /** Age of the oldest commit that waits to be derived, by family; null: of unknown age. */
  readonly lagMs: Readonly<Record<string, number | null>>;
  /** Keys and courses that wait to be derived. */
  readonly marks: number;
  /** Records applied, all streams together; only its growth is meaningful. */
  readonly applied: bigint | null;
  readonly rejected: number;
  /** Milliseconds since 1970. */
  readonly at: number;
}

const TIMEOUT_MS = 3_000;

/** Relies on no field of the answers, since the API may be of another version. */
export async function readVitals(url: string): Promise<Vitals> {
  const [ready, freshness] = await Promise.all([ask(`${url}/api/ready`), ask(`${url}/api/freshness`)]);
  const roles = objectOf(freshness?.['roles']);
  return {
    health: healthOf(ready),
    reasons: Array.isArray(ready?.['reasons']) ? ready['reasons'].map(String) : [],
    lagMs: objectOf(freshness?.['lag_ms']) as Record<string, number | null>,
    marks: Object.values(roles).reduce<number>((sum, role) => sum + Number(objectOf(role)['marks_waiting'] ?? 0), 0),
    applied: freshness === undefined ? null : appliedIn(freshness['streams']),
    rejected: Number(freshness?.['rejected_waiting'] ?? 0),
    at: Date.now(),
  };
}

function healthOf(ready: Record<string, unknown> | undefined): Vitals['health'] {
  if (ready === undefined) return 'unknown';
  if (ready === GUARDED) return 'guarded';
  return ready['status'] === 'ready' ? 'ready' : 'not ready';
}

/** Offsets add up; log sequence numbers of a database do not count records. */
function appliedIn(streams: unknown): bigint | null {
  if (!Array.isArray(streams)) return null;
  const offsets = streams
    .map((stream) => String(objectOf(stream)['applied'] ?? ''))
    .filter((text) => /^\d+$/.test(text));
  return offsets.length === 0 ? null : offsets.reduce((sum, text) => sum + BigInt(text), 0n);
}

/** Stands for the answer of an API that asks for a token. */
const GUARDED: Record<string, unknown> = {};

async function ask(url: string): Promise<Record<string, unknown> | undefined> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) });
    return response.status === 401 ? GUARDED : objectOf(await response.json());
  } catch {
    return undefined;
  }
}

const objectOf = (value: unknown): Record<string, unknown> =>
  typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};

/** Records a second between two readings; null if that cannot be computed. */
export function throughput(before: Vitals | undefined, now: Vitals): number | null {
  if (before === undefined || before.applied === null || now.applied === null) return null;
  const seconds = (now.at - before.at) / 1000;
  return seconds <= 0 || now.applied < before.applied ? null : Number(now.applied - before.applied) / seconds;
}

const PAGE_BYTES = 4096;

/** Resident memory of a process, in megabytes; null if the system does not tell. */
export function residentMb(pid: number): number | null {
  try {
    return Math.round((Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]) * PAGE_BYTES) / 1e6);
  } catch {
    return null;
  }
}
