import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createSourceDatabase } from '../support/database.ts';
import { type KafkaWorld, kafkaWorld } from './kafka-world.ts';
import { eventually, log, type Stage, setStage, streamed } from './stage.ts';
import { type Fate, Reader, write } from './world.ts';

let world: KafkaWorld;
let stage: Stage;
let readers: Reader[] = [];

beforeEach(async () => {
  world = kafkaWorld(await createSourceDatabase('groups'));
  readers = [];
  stage = await setStage(world, readers);
});
afterEach(async () => {
  for (const reader of readers) reader.stop();
  const violations = readers.flatMap((reader) => reader.violations);
  const errors = readers.flatMap((reader) => (reader.error === undefined ? [] : [reader.error]));
  await world.close();
  expect({ violations, errors }).toEqual({ violations: [], errors: [] });
});

/** Rows of different students, so that they fall into all partitions. */
async function scatter(count: number): Promise<void> {
  const students = Array.from({ length: count }, () => ({ id: randomUUID() }));
  await write(world, async (writer) => {
    await writer.insert('students', students);
    for (const { id } of students) await writer.insert('activity_logs', [{ ...log(stage), student_id: id }]);
  });
}

const PARTITIONS = /^reading (\d+) partitions$/;

test('two instances share the partitions, and what one leaves behind the other takes up', async () => {
  const one = world.source();
  const two = world.source();
  const first = new Reader(world, stage.replica).start(one);
  const second = new Reader(world, stage.replica).start(two);
  readers.push(first, second);
  const shares = (): number[] => [one, two].map((source) => Number(PARTITIONS.exec(source.status().detail)?.[1]));
  await eventually(() => shares().reduce((sum, share) => sum + share, 0)).toBe(15);
  expect(Math.min(...shares())).toBeGreaterThan(0);
  await scatter(60);
  await stage.agreed();
  // From the snapshot or from the stream, depending on how fast the connector is.
  const logs = [first, second].map(({ changes }) => changes.filter(({ table }) => table === 'activity_logs').length);
  expect(Math.min(...logs)).toBeGreaterThan(0);
  first.stop();
  await scatter(60);
  await stage.agreed();
  await eventually(() => two.status().detail).toBe('reading 15 partitions');
  expect(two.status()).toMatchObject({ state: 'streaming', lagRecords: 0n });
  expect(one.status().state).toBe('stopped');
});

test('what an instance was at when it lost its partitions may come late, and does no harm', async () => {
  let release: () => void = () => {};
  const hold = new Promise<void>((resolve) => {
    release = resolve;
  });
  const zombieSource = world.source();
  let held = false;
  const zombie = new Reader(world, stage.replica, async (batch): Promise<Fate> => {
    if (!batch.changes.some((change) => change.op === 'create')) return 'done';
    held = true;
    await hold;
    return 'done';
  }).start(zombieSource);
  readers.push(zombie);
  await eventually(() => stage.replica.knows('students', stage.student)).toBe(true);
  await scatter(30);
  await eventually(() => held).toBe(true);
  // The group rebalances while the batch is under way: its records go to whoever owns their partitions now.
  const heir = new Reader(world, stage.replica).start(world.source());
  readers.push(heir);
  await eventually(() => streamed(heir).length).toBeGreaterThan(0);
  await write(world, (writer) => writer.delete('students', stage.student));
  const before = new Map(world.progress.rows);
  release();
  await stage.agreed();
  for (const [stream, row] of before) {
    expect(world.progress.rows.get(stream)?.applied).toBeGreaterThanOrEqual(row.applied);
  }
  // It is back in the group, and takes part.
  await eventually(() => zombieSource.status().state).toBe('streaming');
});

test('set back to zero, everything is read again and comes to the same', async () => {
  const reader = await stage.streaming();
  await scatter(20);
  await write(world, (writer) => writer.delete('courses', stage.course));
  await stage.agreed();
  const once = reader.changes.length;
  reader.stop();
  for (const [stream, row] of world.progress.rows) world.progress.rows.set(stream, { ...row, applied: 0n });
  const again = new Reader(world, stage.replica).start(world.source());
  readers.push(again);
  await eventually(() => again.changes.length).toBeGreaterThanOrEqual(once);
  await stage.agreed();
});

test('one role reads its own tables', async () => {
  const reader = new Reader(world, stage.replica).start(world.source({ tables: ['students', 'courses'] }));
  readers.push(reader);
  await eventually(
    () => stage.replica.knows('courses', stage.course) && stage.replica.knows('students', stage.student),
  ).toBe(true);
  await world.connect();
  await write(world, async (writer) => {
    await writer.insert('grades', [stage.row({ grade_value: '1' })]);
    await writer.insert('students', [{ id: randomUUID() }]);
  });
  await eventually(() => streamed(reader).length).toBe(1);
  expect(streamed(reader)[0]?.table).toBe('students');
});
