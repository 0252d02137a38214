import { catchUp } from '../backlog.ts';
import type { BenchmarkResult } from '../report.ts';
import { duckdbEntries, productEntry, pumped, resultOf, streamsEntries } from './contest.ts';
import { everything } from './everything.ts';
import type { PeersWorld } from './world.ts';

const CHANGES = 300_000;

/** (b) What piled up while all were away: inserts, corrections and deletions. */
export async function changes(peers: PeersWorld): Promise<BenchmarkResult> {
  const { world } = peers;
  if (!peers.isFilled) await everything(peers);
  const count = world.scaled(CHANGES);
  await world.live(count);
  const truth = await peers.truth();
  const product = await productEntry(peers, await catchUp(world, count), truth);
  const duckdb = await duckdbEntries(peers, truth);
  const pump = await pumped(peers);
  const streams = await streamsEntries(peers, truth);
  const title = `a backlog of ${count.toLocaleString('en')} mixed changes to finished features`;
  const result = resultOf({ letter: 'b', title, count, product, duckdb, pump, streams });
  return { ...result, notes: [...result.notes, 'DuckDB reads everything again, whatever has changed'] };
}
