import type { BenchmarkResult } from '../report.ts';
import { readAll } from '../snapshot.ts';
import { duckdbEntries, productEntry, pumped, resultOf, streamsEntries } from './contest.ts';
import type { PeersWorld } from './world.ts';

/** (a) Everything there is, from the beginning. */
export async function everything(peers: PeersWorld): Promise<BenchmarkResult> {
  const { world } = peers;
  const source = await world.source();
  const truth = await peers.truth();
  const [rows] = await source.query<{ count: number }>(
    'SELECT (SELECT count(*) FROM enrollments) + (SELECT count(*) FROM grades) + (SELECT count(*) FROM activity_logs) AS count',
  );
  const count = Number(rows?.count);
  const { measured } = await readAll(world);
  world.noteSnapshot();
  const product = await productEntry(peers, measured, truth);
  const duckdb = await duckdbEntries(peers, truth);
  const pump = await pumped(peers);
  const streams = await streamsEntries(peers, truth);
  peers.isFilled = true;
  const title = `${count.toLocaleString('en')} rows from the beginning to ${truth.size.toLocaleString('en')} rows of features`;
  return resultOf({ letter: 'a', title, count, product, duckdb, pump, streams });
}
