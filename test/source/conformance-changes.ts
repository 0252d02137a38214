import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import type { AnyRowChange } from '#libs/domain/change.ts';
import { inOrder, kinds, log, type SourceHarness, seen, storedOf, type UseStage, writeUntil } from './stage.ts';
import { type Fate, Reader, write } from './world.ts';

export function snapshotTests(use: UseStage, harness: SourceHarness): void {
  test('reads every row once, before anything streamed', async () => {
    const stage = use();
    const rows = Array.from({ length: harness.many }, (_, index) => log(stage, { duration_seconds: String(index) }));
    await write(stage.world, (writer) => writer.insert('activity_logs', rows));
    const reader = await stage.streaming({ maxBatch: 100 });
    const ids = reader.changes.map((change) => ('id' in change ? change.id : ''));
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBe(harness.many + 2);
    for (const change of reader.changes) {
      expect(change).toMatchObject({ op: 'read', position: { epoch: 1, lsn: 0n } });
      expect(change.xid).toBeUndefined();
      expect(change.committedAt).toBeUndefined();
    }
    const told = reader.deliveries.map((batch) => batch.snapshotCompleted);
    if (harness.isOneStream) {
      expect(told.at(-1)).toEqual({ epoch: 1 });
      expect(reader.deliveries.at(-1)?.progress?.epoch).toBe(1);
      for (const batch of reader.deliveries.slice(0, -1)) expect(batch.progress).toBeUndefined();
    } else {
      expect(told.filter((end) => end !== undefined)).toEqual([]);
      expect(
        reader.deliveries.filter((batch) => batch.isPartOfSnapshot === true || batch.progress !== undefined),
      ).toEqual([]);
    }
    expect(Math.max(...reader.deliveries.map((batch) => batch.changes.length))).toBeLessThanOrEqual(100);
    await stage.agreed();
  });

  test('leaves no gap to the stream while others write', async () => {
    const stage = use();
    let stopped = false;
    const rows = Array.from({ length: harness.many }, () => log(stage));
    await write(stage.world, (writer) => writer.insert('activity_logs', rows));
    const writers = [1, 2, 3].map((seed) => writeUntil(stage, seed, () => stopped));
    await sleep(30);
    const slowly = async (): Promise<Fate> => {
      await sleep(2);
      return 'done';
    };
    const reader = await stage.streaming({ maxBatch: 50, fate: slowly });
    await seen(reader, 200);
    stopped = true;
    await Promise.all(writers);
    await stage.agreed();
  });

  // Over Kafka the snapshot is Debezium's.
  if (!harness.isOneStream) return;
  test('begins again under a new epoch when it was cut short', async () => {
    const stage = use();
    await write(stage.world, (writer) =>
      writer.insert(
        'grades',
        Array.from({ length: 20 }, () => stage.row({ grade_value: '1' })),
      ),
    );
    let batches = 0;
    const short = new Reader(stage.world, stage.replica, () => (++batches > 2 ? 'die before done' : 'done'));
    short.start(stage.world.source({ maxBatch: 5 }));
    await short.ended;
    expect(storedOf(stage.world).stored?.phase).toBe('snapshot');
    await stage.streaming({ maxBatch: 5 });
    expect(storedOf(stage.world).stored?.epoch).toBe(2);
    await stage.agreed();
  });
}

export function changeTests(use: UseStage): void {
  test('insert, update, delete', async () => {
    const stage = use();
    const reader = await stage.streaming();
    const row = stage.row({ grade_item: 'quiz', grade_value: '3.50', grade_max: '10.00' });
    const before = Date.now();
    await write(stage.world, (writer) => writer.insert('grades', [row]));
    await write(stage.world, (writer) => writer.update('grades', row.id, { grade_value: '4.25' }));
    await write(stage.world, (writer) => writer.delete('grades', row.id));
    const changes = inOrder(await seen(reader, 3));
    expect(kinds(changes)).toEqual(['create grades', 'update grades', 'delete grades']);
    expect(changes[0]).toMatchObject({
      id: row.id,
      after: { student_id: stage.student, grade_item: 'quiz', grade_value: '3.50', timestamp: null },
    });
    expect(changes[1]).toMatchObject({ id: row.id, after: { grade_value: '4.25', grade_max: '10.00' } });
    expect(changes[2]).not.toHaveProperty('after');
    const [first, second, third] = changes.map((change) => change.position.lsn);
    expect([second, third]).toEqual([second, third].sort());
    expect((first ?? 0n) < (second ?? 0n) && (second ?? 0n) < (third ?? 0n)).toBe(true);
    for (const change of changes) {
      expect(typeof change.xid).toBe('bigint');
      expect(change.committedAt).toBeGreaterThanOrEqual(before - 5);
      expect(change.committedAt).toBeLessThanOrEqual(Date.now() + 5);
      expect(change.position.epoch).toBe(1);
    }
    await stage.agreed();
  });
}

export function removalTests(use: UseStage): void {
  test('a truncate is one change for each table it empties', async () => {
    const stage = use();
    const reader = await stage.streaming();
    await write(stage.world, (writer) => writer.insert('grades', [stage.row({ grade_value: '1' })]));
    await write(stage.world, (writer) => writer.truncate('students'));
    const changes = await seen(reader, 5);
    const emptied = changes.filter((change) => change.op === 'truncate').map((change) => change.table);
    expect(emptied.sort()).toEqual(['activity_logs', 'enrollments', 'grades', 'students']);
    const fresh = randomUUID();
    await write(stage.world, (writer) => writer.insert('students', [{ id: fresh }]));
    await stage.agreed();
  });

  test('a cascade tells of each row it takes along', async () => {
    const stage = use();
    const reader = await stage.streaming();
    await write(stage.world, async (writer) => {
      await writer.insert('grades', [stage.row({ grade_value: '1' })]);
      await writer.insert('enrollments', [stage.row({})]);
      await writer.insert('activity_logs', [log(stage), log(stage)]);
    });
    await write(stage.world, (writer) => writer.delete('students', stage.student));
    const gone = inOrder(await seen(reader, 9)).slice(4);
    expect(kinds(gone).sort()).toEqual([
      'delete activity_logs',
      'delete activity_logs',
      'delete enrollments',
      'delete grades',
      'delete students',
    ]);
    await stage.agreed();
  });
}

export function identityTests(use: UseStage, harness: SourceHarness): void {
  test('a changed id is a delete and a create at one position', async () => {
    const stage = use();
    const reader = await stage.streaming();
    const row = stage.row({ grade_value: '1.00' });
    const newId = randomUUID();
    await write(stage.world, (writer) => writer.insert('grades', [row]));
    await write(stage.world, (writer) => writer.update('grades', row.id, { id: newId }));
    const changes = inOrder(await seen(reader, 3)).slice(1) as AnyRowChange[];
    expect(changes.map((change) => [change.op, change.id])).toEqual([
      ['delete', row.id],
      ['create', newId],
    ]);
    expect(changes[0]?.position).toEqual(changes[1]?.position);
    expect(changes[0]?.moved).toBe(true);
    if (harness.isOneStream) expect(changes[1]?.movedFrom).toBe(row.id);
    else expect(changes.map((change) => change.splitMove)).toEqual([true, true]);
    expect(changes[1]?.after).toMatchObject({ grade_value: '1.00', student_id: stage.student });
    await stage.agreed();
  });

  test('a changed id that is changed back leaves the row where it was', async () => {
    const stage = use();
    const reader = await stage.streaming();
    const row = stage.row({ grade_value: '1.00' });
    const other = randomUUID();
    await write(stage.world, (writer) => writer.insert('grades', [row]));
    await write(stage.world, async (writer) => {
      await writer.update('grades', row.id, { id: other });
      await writer.update('grades', other, { id: row.id });
    });
    await seen(reader, 5);
    await stage.agreed();
    expect([...(stage.replica.rows().get('grades')?.keys() ?? [])]).toEqual([row.id]);
  });

  test('a transaction of many rows comes in pieces, and progress with the last', async () => {
    const stage = use();
    const reader = await stage.streaming({ maxBatch: 500 });
    const rows = Array.from({ length: harness.many * 2 }, () => log(stage));
    await write(stage.world, (writer) => writer.insert('activity_logs', rows));
    await seen(reader, rows.length);
    await stage.agreed();
    const batches = reader.deliveries.filter((batch) => batch.changes.some((change) => change.op === 'create'));
    expect(batches.length).toBeGreaterThanOrEqual(rows.length / 500);
    for (const batch of batches) expect(batch.changes.length).toBeLessThanOrEqual(500);
    if (!harness.isOneStream) return;
    // Earlier pieces may carry progress from before the transaction.
    const applied = reader.deliveries.flatMap((batch) => batch.progress?.applied ?? []);
    const end = reader.deliveries.at(-1)?.progress?.applied ?? 0n;
    expect(applied.filter((lsn) => lsn >= end)).toEqual([end]);
  });
}
