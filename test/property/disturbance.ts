import type { Change } from '#libs/domain/change.ts';
import type { ChangeBatch } from '#libs/source/contract.ts';

/** A stream of numbers in [0, 1) that fast-check drew, so that a failing run can be replayed and shrunk. */
export type Chance = () => number;

/** mulberry32: small, seeded, good enough to shuffle with. */
export function chanceOf(seed: number): Chance {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const below = (chance: Chance, n: number): number => Math.floor(chance() * n);

function shuffled<T>(items: readonly T[], chance: Chance): T[] {
  const list = [...items];
  for (let i = list.length - 1; i > 0; i -= 1) {
    const j = below(chance, i + 1);
    [list[i], list[j]] = [list[j] as T, list[i] as T];
  }
  return list;
}

const PARTITIONS = 3;

/** Keyed by student, as the topics are; whatever names no student (every delete and truncate) lands on the first partition. */
function partitionOf(change: Change): number {
  const student =
    change.op === 'truncate' || change.op === 'delete'
      ? null
      : (change.after as { student_id?: string | null }).student_id;
  return student ? student.charCodeAt(student.length - 1) % PARTITIONS : 0;
}

/** Cuts a partition into batches of 1 to 6. */
function cut(changes: readonly Change[], chance: Chance): ChangeBatch[] {
  const batches: ChangeBatch[] = [];
  for (let at = 0; at < changes.length; ) {
    const size = 1 + below(chance, 6);
    batches.push({ changes: changes.slice(at, at + size) });
    at += size;
  }
  return batches;
}

/**
 * The same changes as a careless transport delivers them: spread over partitions that are not ordered against each other,
 * in batches of any size, some of them twice, and if `reorder` is set also out of order within a partition. The batches are
 * dealt to queues, one per process.
 */
export function disturb(changes: readonly Change[], chance: Chance, reorder: boolean, processes = 2): ChangeBatch[][] {
  const queues: ChangeBatch[][] = Array.from({ length: processes }, () => []);
  const partitions = Array.from({ length: PARTITIONS }, (_, n) =>
    changes.filter((change) => partitionOf(change) === n),
  );
  for (const partition of partitions) {
    const batches = cut(reorder ? shuffled(partition, chance) : partition, chance);
    const owner = queues[below(chance, processes)];
    for (const batch of batches) {
      owner?.push(batch);
      // Redelivery: a rebalance hands an earlier batch to one of the processes again.
      if (chance() < 0.25)
        queues[below(chance, processes)]?.push(batches[below(chance, batches.indexOf(batch) + 1)] ?? batch);
    }
  }
  return chance() < 0.5 ? queues : queues.map((queue) => interleave(queue, chance));
}

/** Mixes the partitions that one process reads, as polling does. */
const interleave = (batches: readonly ChangeBatch[], chance: Chance): ChangeBatch[] => shuffled(batches, chance);
