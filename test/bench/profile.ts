import { mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import type { World } from './world.ts';

/** Where the time goes: a CPU profile of the product, and samples of what the servers are doing. */
export interface Profile {
  /** For `--cpu-prof-dir`. */
  readonly folder: string;
  begin(): void;
  /** Call once the product has stopped: writes the summaries beside the profile. */
  end(): Promise<void>;
}

const SAMPLES_PER_SECOND = 20;
const LINES = 40;
const IDLE = '(idle)  :0';

/** Undefined unless the run was asked for profiles. */
export function openProfile(world: World, name: string): Profile | undefined {
  if (world.profile === undefined) return undefined;
  mkdirSync(world.profile, { recursive: true });
  const folder = mkdtempSync(path.join(world.profile, `${name}-`));
  const stopping = new AbortController();
  const counts = new Map<string, number>();
  let sampling: Promise<unknown> = Promise.resolve();
  return {
    folder,
    begin: () => {
      sampling = Promise.all([
        sample(world, 'source', counts, stopping.signal),
        sample(world, 'analytics', counts, stopping.signal),
      ]);
    },
    end: async () => {
      stopping.abort();
      await sampling;
      writeFileSync(path.join(folder, 'postgres.txt'), ranked(counts));
      writeFileSync(path.join(folder, 'node.txt'), summarise(folder));
    },
  };
}

async function sample(
  world: World,
  which: 'source' | 'analytics',
  counts: Map<string, number>,
  signal: AbortSignal,
): Promise<void> {
  const db = openDatabase({ ...world.databases[which], database: 'postgres' }, { connections: 1, name: 'bench watch' });
  while (!signal.aborted) {
    const rows = await db.query<{ query: string; wait: string | null }>(
      `SELECT query, wait_event AS wait FROM pg_stat_activity
       WHERE state = 'active' AND application_name LIKE 'prepadata%' OR backend_type IN ('walwriter', 'checkpointer', 'autovacuum worker', 'background writer') AND wait_event IS NULL`,
    );
    for (const { query, wait } of rows) {
      const text = query.replaceAll(/--.*$/gm, '').replaceAll(/\s+/g, ' ').trim().slice(0, 90);
      const line = `${which}  ${wait ?? 'running'}  ${text}`;
      counts.set(line, (counts.get(line) ?? 0) + 1);
    }
    const name = `${which}  samples`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
    await sleep(1_000 / SAMPLES_PER_SECOND, undefined, { signal }).catch(() => {});
  }
  await db.close();
}

const ranked = (counts: ReadonlyMap<string, number>): string =>
  [...counts]
    .sort(([, a], [, b]) => b - a)
    .map(([line, count]) => `${String(count).padStart(7)}  ${line}`)
    .join('\n');

interface CpuProfile {
  readonly nodes: readonly {
    readonly id: number;
    readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
  }[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Self time by function and by file, of the busiest thread. */
function summarise(folder: string): string {
  const profiles = readdirSync(folder)
    .filter((name) => name.endsWith('.cpuprofile'))
    .map((name) => JSON.parse(readFileSync(path.join(folder, name), 'utf8')) as CpuProfile)
    .map(selfTimes)
    .sort((a, b) => busy(b) - busy(a));
  const times = profiles[0] ?? new Map<string, number>();
  times.delete(IDLE);
  const files = new Map<string, number>();
  for (const [place, ms] of times) {
    const [name = '', where = ''] = place.split('  ');
    // Whatever belongs to no file is the engine's own: its collector, its sockets.
    const file = where.replace(/:\d+$/, '') || name;
    files.set(file, (files.get(file) ?? 0) + ms);
  }
  const total = busy(times);
  const table = (entries: ReadonlyMap<string, number>): string =>
    [...entries]
      .sort(([, a], [, b]) => b - a)
      .slice(0, LINES)
      .map(
        ([place, ms]) => `${ms.toFixed(0).padStart(8)} ms ${((100 * ms) / total).toFixed(1).padStart(5)} %  ${place}`,
      )
      .join('\n');
  return `busy ${total.toFixed(0)} ms\n\nby file\n${table(files)}\n\nby function\n${table(times)}\n`;
}

function selfTimes(profile: CpuProfile): Map<string, number> {
  const places = new Map(
    profile.nodes.map(({ id, callFrame: { functionName, url, lineNumber } }) => {
      const file = url.replace(/^.*?\/(libs|services|test|node_modules)\//, '$1/').replace(/\?.*$/, '');
      return [id, `${functionName === '' ? '(anonymous)' : functionName}  ${file}:${lineNumber + 1}`];
    }),
  );
  const times = new Map<string, number>();
  profile.samples.forEach((id, index) => {
    const place = places.get(id) ?? '?';
    times.set(place, (times.get(place) ?? 0) + (profile.timeDeltas[index] ?? 0) / 1000);
  });
  return times;
}

const busy = (times: ReadonlyMap<string, number>): number =>
  [...times].reduce((sum, [place, ms]) => (place === IDLE ? sum : sum + ms), 0);
