import { describe, expect, test } from 'vitest';
import type { ChangeBatch } from '#libs/source/contract.ts';
import { type MemorySource, memorySource, splitBatch } from '#libs/source/memory/index.ts';
import { describeSourceConformance } from './conformance.ts';
import { memoryWorld } from './memory-world.ts';

describeSourceConformance('memory', { open: async () => memoryWorld(), many: 1000, isOneStream: true });

const batch = (stream: string, applied: bigint, progress = true): ChangeBatch => ({
  changes: [{ table: 'grades', op: 'delete', id: stream, position: { epoch: 1, lsn: applied } }],
  ...(progress ? { progress: { stream, epoch: 1, applied } } : {}),
});

/** Reads `count` batches and unsubscribes in the middle of the last one. */
async function readSome(source: MemorySource, count: number): Promise<readonly ChangeBatch[]> {
  const got: ChangeBatch[] = [];
  await new Promise<void>((resolve) => {
    const subscription = source.deliveries().subscribe(({ batch: one, done }) => {
      got.push(one);
      if (got.length < count) return done();
      setImmediate(() => {
        subscription.unsubscribe();
        resolve();
      });
    });
  });
  return got;
}

describe('partitions in memory', () => {
  test('keep their order each, and the caller chooses among them', async () => {
    const a = [1n, 2n, 3n].map((lsn) => batch('a', lsn));
    const b = [1n, 2n, 3n].map((lsn) => batch('b', lsn));
    const source = memorySource([a, b], { choose: (count) => count - 1 });
    expect(await readSome(source, 5)).toEqual([...b, ...a.slice(0, 2)]);
    expect(await readSome(source, 2)).toEqual(a.slice(1));
  });

  test('what is done without progress comes again with what follows it', async () => {
    const all = [batch('a', 1n), batch('a', 2n, false), batch('a', 3n, false), batch('a', 4n)];
    const source = memorySource([all]);
    expect(await readSome(source, 4)).toEqual(all);
    expect(await readSome(source, 3)).toEqual(all.slice(1));
  });

  test('duplicates are delivered as they are; drained() waits for the last done()', async () => {
    const source = memorySource();
    source.push(batch('a', 1n), 2);
    source.push(batch('a', 1n), 2);
    const got: ChangeBatch[] = [];
    const subscription = source.deliveries().subscribe(({ batch: one, done }) => {
      got.push(one);
      setTimeout(done, 5);
    });
    await source.drained();
    expect(got.length).toBe(2);
    expect(source.status().state).toBe('streaming');
    source.push(batch('a', 2n));
    await source.drained();
    expect(got.length).toBe(3);
    subscription.unsubscribe();
    expect(source.status().state).toBe('stopped');
  });

  test('a failure reaches the subscriber, and a second one at a time is refused', () => {
    const source = memorySource();
    const errors: unknown[] = [];
    source.deliveries().subscribe({ error: (error: unknown) => errors.push(error) });
    source.deliveries().subscribe({ error: (error: unknown) => errors.push((error as Error).message) });
    source.fail('broken');
    expect(errors).toEqual(['a memory source serves one subscription at a time', 'broken']);
  });

  test('a split batch keeps its order, and its progress for the last piece', () => {
    const changes = [1n, 2n, 3n, 4n, 5n].flatMap((lsn) => batch('a', lsn).changes);
    const whole: ChangeBatch = { changes, progress: { stream: 'a', epoch: 1, applied: 9n } };
    const pieces = splitBatch(whole, 2);
    expect(pieces.flatMap((piece) => piece.changes)).toEqual(changes);
    expect(pieces.map((piece) => piece.progress?.applied)).toEqual([undefined, undefined, 9n]);
    expect(splitBatch(whole, 5)).toEqual([whole]);
  });
});
