import { randomUUID } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigurationError, UnrecoverableError } from '#libs/domain/errors.ts';
import type { SourceTable } from '#libs/domain/source-tables/index.ts';
import { installCodecs } from '#libs/platform/kafka/codecs.ts';
import type { SchemaRegistry } from '#libs/platform/registry/contract.ts';
import { openRegistry } from '#libs/platform/registry/registry.ts';
import type { ChangeSource } from '#libs/source/contract.ts';
import type { KafkaSourceOptions } from '#libs/source/kafka/index.ts';
import { askPlainly, bareKafka } from '../support/cluster.ts';
import { createSourceDatabase } from '../support/database.ts';
import { type KafkaWorld, kafkaWorld, onCluster } from './kafka-world.ts';
import { eventually, log, type Stage, setStage, streamed } from './stage.ts';
import { Reader, write } from './world.ts';

let world: KafkaWorld;
let stage: Stage;
let readers: Reader[] = [];

beforeEach(async () => {
  world = kafkaWorld(await createSourceDatabase('trouble'));
  readers = [];
  stage = await setStage(world, readers);
});
afterEach(async () => {
  for (const reader of readers) reader.stop();
  installCodecs();
  await world.close();
});

async function read(options: Partial<KafkaSourceOptions> = {}): Promise<{ reader: Reader; source: ChangeSource }> {
  const source = world.source(options);
  const reader = new Reader(world, stage.replica).start(source);
  readers.push(reader);
  await eventually(() => reader.error ?? stage.replica.knows('courses', stage.course)).toBe(true);
  await eventually(() => reader.error ?? stage.replica.knows('students', stage.student)).toBe(true);
  return { reader, source };
}

async function produce(
  table: SourceTable,
  message: { key?: string | null; value: Buffer | null; headers?: Record<string, string> },
): Promise<void> {
  const producer = bareKafka(world.cluster).producer();
  await producer.connect();
  await producer.send({
    topic: world.topic(table),
    messages: [
      { key: message.key ?? null, value: message.value, ...(message.headers && { headers: message.headers }) },
    ],
  });
  await producer.disconnect();
}

const insertLog = (): Promise<void> => write(world, (writer) => writer.insert('activity_logs', [log(stage)]));
const refused = (reader: Reader) => reader.deliveries.flatMap((batch) => batch.undecodable ?? []);

describe('records that cannot be read', () => {
  test('are told with their place, and the stream goes on', async () => {
    const { reader, source } = await read();
    await produce('grades', { value: Buffer.from('not Avro at all') });
    await produce('grades', { value: Buffer.from([0]) });
    await produce('grades', { value: null });
    await write(world, (writer) => writer.insert('grades', [stage.row({ grade_value: '1' })]));
    await stage.agreed();
    await eventually(() => refused(reader).length).toBe(2);
    for (const record of refused(reader)) {
      expect(record).toMatchObject({ table: 'grades', reason: 'undecodable', position: { epoch: 0, lsn: 0n } });
      expect(record.origin).toMatch(new RegExp(`^${world.prefix}\\.public\\.grades:\\d:\\d$`));
    }
    await eventually(() => source.status()).toMatchObject({ state: 'streaming', lagRecords: 0n });
  });

  test('and those that are read and are no change of a row', async () => {
    const { reader } = await read();
    const registry = openRegistry(world.cluster.registry);
    const schema = { type: 'record', name: 'Other', fields: [{ name: 'op', type: 'string' }] };
    const id = await registry.register(`${world.prefix}-other`, JSON.stringify(schema));
    const value = Buffer.concat([Buffer.from([0, 0, 0, 0, 0, 2]), Buffer.from('z')]);
    value.writeInt32BE(id, 1);
    await produce('grades', { value, headers: { 'prepadata.epoch': '1' } });
    await eventually(() => refused(reader)).toMatchObject([{ reason: 'malformed_record' }]);
    expect(reader.error).toBeUndefined();
  });

  test('a record that our connector did not write ends the source, and says what to run', async () => {
    const { reader, source } = await read();
    const registry = openRegistry(world.cluster.registry);
    const id = await registry.register(
      `${world.prefix}-other`,
      JSON.stringify({ type: 'record', name: 'Other', fields: [] }),
    );
    const value = Buffer.alloc(5);
    value.writeInt32BE(id, 1);
    await produce('grades', { value });
    await eventually(() => reader.error).toBeInstanceOf(UnrecoverableError);
    expect((reader.error as UnrecoverableError).hint).toMatch(/^run: npm run register/);
    expect(source.status()).toMatchObject({ state: 'stopped', detail: expect.stringContaining('prepadata.epoch') });
  });
});

test('a row of more than the megabyte that Kafka takes by itself comes like any other', async () => {
  const { reader } = await read();
  const metadata = JSON.stringify({ blob: 'a'.repeat(1_500_000) });
  await write(world, (writer) => writer.insert('activity_logs', [log(stage, { metadata })]));
  await insertLog();
  await stage.agreed();
  expect(reader.error).toBeUndefined();
});

describe('what Connect’s own producer compresses', () => {
  const codecs = kafkajs.CompressionCodecs as Record<number, () => unknown>;
  const types = kafkajs.CompressionTypes;
  const names = [
    ['gzip', types.GZIP],
    ['snappy', types.Snappy],
    ['lz4', types.LZ4],
    ['zstd', types.ZSTD],
  ] as const;
  const use = (codec: string): Promise<void> => world.connect(1, { 'producer.override.compression.type': codec });

  async function insertSome(): Promise<void> {
    const logs = Array.from({ length: 300 }, () => log(stage));
    await write(world, (writer) => writer.insert('activity_logs', logs));
    await stage.agreed();
  }

  test('is read, whichever codec it has, also where they lie in turn', async () => {
    const { reader } = await read();
    const used = new Set<number>();
    for (const [, type] of names) {
      const known = codecs[type];
      codecs[type] = () => {
        used.add(type);
        return known?.();
      };
    }
    for (const [name, type] of [...names, ...names.slice(0, 1)]) {
      used.clear();
      await use(name);
      // A reconfigured task may still send something under its old settings.
      while (!used.has(type)) await insertSome();
    }
    expect(reader.error).toBeUndefined();
  });

  test('in a way that is not known ends the source; what it says to do helps', async () => {
    const { reader, source } = await read();
    const unknown = codecs[5];
    if (unknown === undefined) throw new Error('a fifth codec would be read as none');
    codecs[types.ZSTD] = unknown;
    await use('zstd');
    while (reader.error === undefined) await insertLog().then(() => sleep(100));
    expect(reader.error).toBeInstanceOf(ConfigurationError);
    expect((reader.error as ConfigurationError).message).toContain(world.topic('activity_logs'));
    expect((reader.error as ConfigurationError).hint).toMatch(
      /compression\.type.*kafka-delete-records.*start again.*npm run register/,
    );
    expect(source.status().state).toBe('stopped');
    await use('gzip');
    await onCluster(world.cluster, async (admin) => {
      const topic = world.topic('activity_logs');
      const offsets = await admin.fetchTopicOffsets(topic);
      const partitions = offsets.map(({ partition, high }) => ({ partition, offset: high }));
      await admin.deleteTopicRecords({ topic, partitions });
    });
    const restarted = world.source();
    const again = new Reader(world, stage.replica).start(restarted);
    readers.push(again);
    await eventually(() => restarted.status().detail).toContain('a gap in');
    codecs[types.ZSTD] = unknown;
    world.progress.epoch = 2;
    await world.disconnect();
    await world.connect(2);
    await insertLog();
    await stage.agreed();
    expect(again.error).toBeUndefined();
  });
});

describe('the registry', () => {
  /** The real registry behind a door: while the door is closed, connections are accepted and get no answer. */
  async function behindADoor(): Promise<{ registry: SchemaRegistry; isOpen: boolean; server: Server }> {
    const server = createServer(async ({ url }, response) => {
      if (!door.isOpen) return;
      const { status, text } = await askPlainly(world.cluster.registry, url ?? '');
      response.writeHead(status, { 'content-type': 'application/json' }).end(text);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const door = { registry: openRegistry({ url, timeoutMs: 1_000 }), isOpen: true, server };
    return door;
  }

  test('says nothing: nothing is rejected, one partition waits in sight, and goes on when it answers', async () => {
    const door = await behindADoor();
    try {
      const { reader, source } = await read({ registry: door.registry });
      door.isOpen = false;
      await insertLog();
      await eventually(() => source.status()).toMatchObject({
        state: 'waiting',
        detail: expect.stringMatching(
          /activity_logs:\d:0 waits for its schema: the schema registry \S+ has not answered within 1 s/,
        ),
      });
      await insertLog();
      door.isOpen = true;
      await stage.agreed();
      await eventually(() => source.status().state).toBe('streaming');
      expect(refused(reader)).toEqual([]);
    } finally {
      door.server.closeAllConnections();
      door.server.close();
    }
  });

  test('does not know a schema yet: the record waits, those of other partitions do not', async () => {
    const { reader, source } = await read();
    const unknown = Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 2]);
    await produce('grades', { value: unknown });
    await eventually(() => source.status()).toMatchObject({
      state: 'waiting',
      detail: expect.stringMatching(/grades:\d:0 waits for its schema: .*names the schema 2147483647/),
    });
    await insertLog();
    await eventually(() => streamed(reader).length).toBe(1);
    await eventually(() => source.status().lagRecords).toBe(1n);
    expect(refused(reader)).toEqual([]);
  });
});

describe('ALTER TABLE', () => {
  test('a new column is not noticed', async () => {
    await read();
    await insertLog();
    await world.database.db.query('ALTER TABLE activity_logs ADD COLUMN of_no_concern text DEFAULT $$x$$');
    await insertLog();
    await insertLog();
    await stage.agreed();
  });

  test('a needed column that is gone ends the source with its name; a new epoch gets past it', async () => {
    const { reader, source } = await read();
    await insertLog();
    await world.database.db.query('ALTER TABLE grades DROP COLUMN grade_max');
    await world.database.db.query('INSERT INTO grades (id, student_id, course_id) VALUES ($1, $2, $3)', [
      randomUUID(),
      stage.student,
      stage.course,
    ]);
    await eventually(() => reader.error).toBeInstanceOf(UnrecoverableError);
    expect((reader.error as Error).message).toBe(
      'the source table grades no longer has the column grade_max in the stream',
    );
    expect(source.status().state).toBe('stopped');
    await world.database.db.query('ALTER TABLE grades ADD COLUMN grade_max numeric(10, 2)');
    world.progress.epoch = 2;
    await world.disconnect();
    await world.connect(2);
    const again = new Reader(world, stage.replica).start(world.source());
    readers.push(again);
    await stage.agreed();
    expect(refused(again)).toMatchObject([{ table: 'grades', reason: 'malformed_record' }]);
  });
});
