import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Change } from '#libs/domain/change.ts';
import { ChangeQueue } from '#libs/source/pgoutput/queue.ts';

const change = (lsn: bigint): Change => ({ table: 'grades', op: 'delete', id: 'x', position: { epoch: 1, lsn } });

/** What arrives: a change, the end of its transaction, or a keepalive; and what the reader does. */
type Step = 'change' | 'commit' | 'keepalive' | 'take';
const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.constant<Step>('change') },
    { weight: 2, arbitrary: fc.constant<Step>('commit') },
    { weight: 1, arbitrary: fc.constant<Step>('keepalive') },
    { weight: 3, arbitrary: fc.constant<Step>('take') },
  ),
  { maxLength: 120 },
);

interface Model {
  lsn: bigint;
  inTransaction: number;
  /** LSN of every change pushed, in order, and the LSN at which its transaction ended. */
  readonly pushed: { lsn: bigint; end: bigint | undefined }[];
  taken: number;
  applied: bigint;
}

function play(queue: ChangeQueue, model: Model, step: Step, max: number): void {
  model.lsn += 8n;
  if (step === 'change') {
    queue.push(change(model.lsn), 10);
    model.pushed.push({ lsn: model.lsn, end: undefined });
    model.inTransaction += 1;
  } else if (step === 'commit') {
    for (const entry of model.pushed) entry.end ??= model.lsn;
    queue.mark(model.lsn, model.inTransaction > 0);
    model.inTransaction = 0;
  } else if (step === 'keepalive') {
    if (model.inTransaction === 0) queue.mark(model.lsn, false);
  } else {
    const taken = queue.take();
    expect(taken.changes.length).toBeLessThanOrEqual(max);
    const expected = model.pushed.slice(model.taken, model.taken + taken.changes.length);
    expect(taken.changes.map((one) => one.position.lsn)).toEqual(expected.map((one) => one.lsn));
    model.taken += taken.changes.length;
    if (taken.applied === undefined) return;
    expect(taken.applied).toBeGreaterThan(model.applied);
    model.applied = taken.applied;
  }
}

describe('the queue', () => {
  test('progress covers whole taken transactions only, and nothing taken is ever left uncovered', () => {
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 7 }), (all, max) => {
        const queue = new ChangeQueue(0n, max);
        const model: Model = { lsn: 0n, inTransaction: 0, pushed: [], taken: 0, applied: 0n };
        for (const step of all) {
          play(queue, model, step, max);
          const ahead = model.pushed
            .slice(model.taken)
            .filter((one) => one.end !== undefined && one.end <= model.applied);
          expect(ahead).toEqual([]);
        }
        play(queue, model, 'commit', max);
        for (let round = 0; round < 200; round += 1) play(queue, model, 'take', max);
        expect(model.taken).toBe(model.pushed.length);
        for (const one of model.pushed) expect(one.end ?? 0n).toBeLessThanOrEqual(model.applied);
      }),
      { numRuns: 500 },
    );
  });

  test('is ready for a whole transaction, a full batch or a marker, not for a part or a keepalive', async () => {
    const queue = new ChangeQueue(0n, 3);
    const isReady = (): Promise<boolean> =>
      Promise.race([queue.ready().then(() => true), new Promise<boolean>((resolve) => setTimeout(resolve, 5, false))]);
    queue.push(change(1n), 1);
    queue.push(change(2n), 1);
    expect(await isReady()).toBe(false);
    queue.push(change(3n), 1);
    expect(await isReady()).toBe(true);
    expect(queue.take()).toMatchObject({ applied: undefined });
    queue.mark(9n, true);
    expect(await isReady()).toBe(true);
    expect(queue.take()).toEqual({ changes: [], applied: 9n });
    queue.mark(10n, false);
    expect(await isReady()).toBe(false);
    expect(queue.flushProgress()).toBe(true);
    expect(await isReady()).toBe(true);
    expect(queue.take()).toEqual({ changes: [], applied: 10n });
    expect(queue.flushProgress()).toBe(false);
    queue.mark(10n, true);
    expect(await isReady()).toBe(false);
  });
});

describe('the queue at its limits', () => {
  test('a few enormous changes fill it as well', async () => {
    const queue = new ChangeQueue(0n, 1000, 100);
    queue.push(change(1n), 60);
    expect(queue.isOverHighWatermark(false)).toBe(false);
    queue.push(change(2n), 60);
    expect(queue.isOverHighWatermark(false)).toBe(true);
    await queue.ready();
    expect(queue.take().changes.length).toBe(2);
    expect(queue.isOverHighWatermark(true)).toBe(false);
  });

  test('a failure is told at once, whatever is queued', async () => {
    const queue = new ChangeQueue(0n, 1);
    const waiting = queue.ready();
    queue.fail(new Error('lost'));
    await expect(waiting).rejects.toThrow('lost');
    queue.push(change(1n), 1);
    await expect(queue.ready()).rejects.toThrow('lost');
  });
});
