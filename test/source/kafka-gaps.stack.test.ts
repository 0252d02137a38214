import { randomUUID } from 'node:crypto';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ChangeSource } from '#libs/source/contract.ts';
import { createTopics } from '../support/cluster.ts';
import { createSourceDatabase } from '../support/database.ts';
import { type KafkaWorld, kafkaWorld, onCluster, PARTITIONS } from './kafka-world.ts';
import { eventually, log, type Stage, setStage } from './stage.ts';
import { type Fate, Reader, write } from './world.ts';

let world: KafkaWorld;
let stage: Stage;
let readers: Reader[] = [];

beforeEach(async () => {
  world = kafkaWorld(await createSourceDatabase('gaps'));
  readers = [];
  stage = await setStage(world, readers);
});
afterEach(async () => {
  for (const reader of readers) reader.stop();
  const errors = readers.flatMap((reader) => (reader.error === undefined ? [] : [reader.error]));
  await world.close();
  expect(errors).toEqual([]);
});

function read(): { reader: Reader; source: ChangeSource } {
  const source = world.source();
  const reader = new Reader(world, stage.replica).start(source);
  readers.push(reader);
  return { reader, source };
}

const insertLog = (): Promise<void> => write(world, (writer) => writer.insert('activity_logs', [log(stage)]));

/** The partition that holds the student's activity, and its end. */
async function partition(): Promise<{ topic: string; partition: number; high: bigint }> {
  const topic = world.topic('activity_logs');
  const offsets = await onCluster(world.cluster, (admin) => admin.fetchTopicOffsets(topic));
  const used = offsets.find(({ high }) => high !== '0');
  if (used === undefined) throw new Error('nothing was written');
  return { topic, partition: used.partition, high: BigInt(used.high) };
}

/** Deletes the partition's records up to its end, read or not. */
async function forget(): Promise<{ stream: string; high: bigint }> {
  const { topic, partition: number, high } = await partition();
  await onCluster(world.cluster, async (admin) => {
    // The library looks up the partition leaders only here.
    await admin.fetchTopicOffsets(topic);
    await admin.deleteTopicRecords({ topic, partitions: [{ partition: number, offset: high.toString() }] });
  });
  return { stream: `kafka:${topic}:${number}`, high };
}

/** As the connector's supervisor fixes a gap: a new slot, whose snapshot includes what was lost. */
async function beginEpoch(): Promise<void> {
  world.progress.epoch += 1;
  await world.disconnect();
  await world.connect(world.progress.epoch, { 'snapshot.mode': 'always' });
}

test('records that are gone before they were read are a gap: it is said, and a new epoch fixes it', async () => {
  const first = read();
  await insertLog();
  await stage.agreed();
  first.reader.stop();
  await insertLog();
  await insertLog();
  await eventually(async () => (await partition()).high).toBe(3n);
  const { stream } = await forget();
  const { source } = read();
  await eventually(() => source.status().detail).toMatch(
    /^a gap in \S+activity_logs:\d+: the next record to read is 1, but the log begins at 3 by now/,
  );
  expect(source.status().state).toBe('waiting');
  expect([...world.progress.gaps]).toEqual([[stream, { said: expect.stringContaining('a gap in'), epoch: 1 }]]);
  // The other partitions go on.
  const student = randomUUID();
  await write(world, (writer) => writer.insert('students', [{ id: student }]));
  await eventually(() => stage.replica.knows('students', student)).toBe(true);
  await beginEpoch();
  await stage.agreed();
  await eventually(() => source.status().state).toBe('streaming');
  expect([...world.progress.gaps]).toEqual([]);
  expect(world.progress.rows.get(stream)?.epoch).toBe(2);
  await insertLog();
  await stage.agreed();
});

test('a gap that opens before the eyes of a reader is seen as well, also if nothing comes after it', async () => {
  let release: () => void = () => {};
  const hold = new Promise<void>((resolve) => {
    release = resolve;
  });
  const source = world.source();
  let held = false;
  const reader = new Reader(world, stage.replica, async (batch): Promise<Fate> => {
    if (batch.changes.some((change) => change.op === 'create' && change.table === 'activity_logs')) {
      held = true;
      await hold;
    }
    return 'done';
  }).start(source);
  readers.push(reader);
  await eventually(() => stage.replica.knows('courses', stage.course)).toBe(true);
  await insertLog();
  await eventually(() => held).toBe(true);
  await insertLog();
  await eventually(async () => (await partition()).high).toBe(2n);
  await forget();
  release();
  await eventually(() => source.status().state).toBe('waiting');
  expect(source.status().detail).toMatch(/the next record to read is 1, but the log begins at 2 by now/);
});

test('a log that was made anew ends before the place where reading is to go on', async () => {
  const first = read();
  await insertLog();
  await stage.agreed();
  first.reader.stop();
  const { topic, partition: number } = await partition();
  const stream = `kafka:${topic}:${number}`;
  const row = world.progress.rows.get(stream);
  if (row === undefined) throw new Error('no progress was kept');
  world.progress.rows.set(stream, { ...row, applied: 500n });
  const { source } = read();
  await eventually(() => source.status().detail).toMatch(/the next record to read is 500, but the log ends at 1/);
});

/** Deletes the topic and creates it again, empty; its producers are not told. */
async function makeAnew(topic: string, partitions: number): Promise<void> {
  await onCluster(world.cluster, async (admin) => {
    await admin.deleteTopics({ topics: [topic] });
    await eventually(async () => (await admin.listTopics()).includes(topic)).toBe(false);
    await createTopics(admin, [{ topic, numPartitions: partitions }]);
  });
}

test('a topic that was deleted and filled again beyond our place is a gap too', async () => {
  const first = read();
  await insertLog();
  await stage.agreed();
  first.reader.stop();
  const { topic } = await partition();
  await world.disconnect();
  await makeAnew(topic, PARTITIONS);
  await world.connect();
  for (let count = 1; count <= 3; count += 1) await insertLog();
  await eventually(async () => (await partition().catch(() => ({ high: 0n }))).high).toBe(3n);
  const { source } = read();
  await eventually(() => source.status().detail).toMatch(
    /^a gap in \S+activity_logs:\d+: the record 0 is not the one that was read there/,
  );
  await beginEpoch();
  await stage.agreed();
  await eventually(() => source.status().state).toBe('streaming');
  expect([...world.progress.gaps]).toEqual([]);
});

test('another cluster is a gap in every partition', async () => {
  const first = read();
  await eventually(() => stage.replica.knows('courses', stage.course)).toBe(true);
  first.reader.stop();
  for (const [stream, row] of world.progress.rows) world.progress.rows.set(stream, { ...row, origin: 'another' });
  const { source } = read();
  await eventually(() => source.status().detail).toMatch(
    /it was read from the Kafka cluster another, and this is the cluster \S+; a new epoch has to be begun \(and 14 more/,
  );
  expect(world.progress.gaps.size).toBe(15);
  await beginEpoch();
  await stage.agreed();
  await eventually(() => source.status().state).toBe('streaming');
});
