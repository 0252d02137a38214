import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { log, type SourceHarness, seen, storedOf, streamed, type UseStage, writeUntil } from './stage.ts';
import { type Fate, Reader, write } from './world.ts';

export function transactionTests(use: UseStage): void {
  test('what is rolled back is never delivered', async () => {
    const stage = use();
    const reader = await stage.streaming();
    const undone = await stage.world.begin();
    await undone.insert('activity_logs', [log(stage)]);
    await undone.delete('students', stage.student);
    await undone.rollback();
    const kept = log(stage);
    await write(stage.world, (writer) => writer.insert('activity_logs', [kept]));
    const changes = await seen(reader, 1);
    await stage.agreed();
    expect(changes.map((change) => ('id' in change ? change.id : ''))).toEqual([kept.id]);
  });

  test('interleaved transactions come whole, in the order of their commits', async () => {
    const stage = use();
    const reader = await stage.streaming();
    const [first, second] = [await stage.world.begin(), await stage.world.begin()];
    await first.insert('activity_logs', [log(stage, { resource_id: 'first' })]);
    await second.insert('activity_logs', [log(stage, { resource_id: 'second' })]);
    await first.insert('activity_logs', [log(stage, { resource_id: 'first' })]);
    await second.commit();
    await first.commit();
    const changes = await seen(reader, 3);
    const resources = changes.map((change) => (change as AnyRowChange & { table: 'activity_logs' }).after?.resource_id);
    expect(resources).toEqual(['second', 'first', 'first']);
    const lsns = changes.map((change) => change.position.lsn);
    expect((lsns[1] ?? 0n) < (lsns[0] ?? 0n)).toBe(true);
    await stage.agreed();
  });

  test('a restart between two interleaved commits loses nothing', async () => {
    const stage = use();
    for (let round = 0; round < 5; round += 1) {
      let toStage = 1;
      const reader = await stage.streaming({
        fate: (batch) => (batch.changes[0]?.op !== 'create' || toStage-- > 0 ? 'done' : 'die before commit'),
      });
      const [first, second] = [await stage.world.begin(), await stage.world.begin()];
      await first.insert('activity_logs', [log(stage, { resource_id: 'first' })]);
      await second.insert('activity_logs', [log(stage, { resource_id: 'second' })]);
      // The two commit records are adjacent in the log.
      await first.commit();
      await seen(reader, 1);
      await second.commit();
      await reader.ended;
    }
    await stage.streaming();
    await stage.agreed();
  });
}

export function restartTests(use: UseStage, harness: SourceHarness): void {
  test('what was not done comes again, the very same', async () => {
    const stage = use();
    const held = await stage.streaming({
      fate: (batch) => (batch.changes.length > 0 && batch.changes[0]?.op !== 'read' ? 'die before commit' : 'done'),
    });
    await write(stage.world, async (writer) => {
      await writer.insert('grades', [stage.row({ grade_value: '1.00', timestamp: '2024-01-01 00:00:00.5' })]);
      await writer.insert('activity_logs', [log(stage, { metadata: '{"state": 1}' })]);
    });
    await held.ended;
    const again = await stage.streaming();
    await stage.agreed();
    const lost = streamed(held);
    if (harness.isOneStream) {
      expect(lost.length).toBe(2);
      expect(streamed(again).slice(0, lost.length)).toEqual(lost);
    } else {
      expect(lost.length).toBeGreaterThan(0);
      expect(streamed(again)).toEqual(expect.arrayContaining([...lost]));
    }
  });

  test('a reader that comes back catches up', async () => {
    const stage = use();
    const first = await stage.streaming();
    first.stop();
    const rows = Array.from({ length: harness.many }, () => log(stage));
    await write(stage.world, (writer) => writer.insert('activity_logs', rows));
    await write(stage.world, (writer) => writer.delete('activity_logs', rows[0]?.id ?? ''));
    await stage.streaming();
    await stage.agreed();
    if (harness.isOneStream) expect(storedOf(stage.world).stored?.epoch).toBe(1);
  });
}

export function pacingTests(use: UseStage, harness: SourceHarness): void {
  test('nothing new is delivered while a batch is not done', async () => {
    const stage = use();
    let release: () => void = () => {};
    const hold = new Promise<void>((resolve) => {
      release = resolve;
    });
    const reader = await stage.streaming({
      fate: async (batch) => {
        if (batch.changes[0]?.op === 'create') await hold;
        return 'done' as const;
      },
    });
    await write(stage.world, (writer) => writer.insert('activity_logs', [log(stage)]));
    await seen(reader, 1);
    for (let index = 0; index < 20; index += 1) {
      await write(stage.world, (writer) => writer.insert('activity_logs', [log(stage)]));
    }
    await sleep(150);
    expect(streamed(reader).length).toBe(1);
    const before = reader.deliveries.length;
    release();
    await seen(reader, 21);
    await stage.agreed();
    // What has queued up arrives together; a few transactions may already have been on their way.
    expect(reader.deliveries.length - before).toBeLessThanOrEqual(20);
  });

  test('progress never runs ahead: falling over anywhere loses nothing', async () => {
    const stage = use();
    let stopped = false;
    let seed = 7;
    const chance = (below: number): number => {
      seed = (seed * 48_271) % 2_147_483_647;
      return seed % below;
    };
    (await stage.streaming()).stop();
    const writers = [11, 12].map((writerSeed) => writeUntil(stage, writerSeed, () => stopped));
    for (let life = 0; life < 12; life += 1) {
      let left = 1 + chance(12);
      const fate = (): Fate => {
        left -= 1;
        if (left > 0) return 'done';
        return chance(2) === 0 ? 'die before commit' : 'die before done';
      };
      const reader = new Reader(stage.world, stage.replica, fate).start(stage.world.source({ maxBatch: 3 }));
      await reader.ended;
      expect(reader.violations).toEqual([]);
      expect(reader.error).toBeUndefined();
    }
    stopped = true;
    await Promise.all(writers);
    await stage.streaming({ maxBatch: 3 });
    await stage.agreed();
    if (harness.isOneStream) expect(storedOf(stage.world).reasons.length).toBe(1);
  });
}
