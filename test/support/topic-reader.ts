import avsc from 'avsc';
import type { Consumer } from 'kafkajs';
import { askPlainly, bareKafka, type Cluster, createTopics } from './cluster.ts';

/** A record of a topic, with its value decoded. */
export interface RawRecord {
  readonly topic: string;
  readonly partition: number;
  readonly offset: string;
  readonly key: Buffer | null;
  readonly headers: Readonly<Record<string, string>>;
  readonly value: Envelope | null;
}

/** The part of Debezium's envelope that tests look at. */
export interface Envelope {
  readonly op: string;
  readonly before: Row | null;
  readonly after: Row | null;
  readonly source: { readonly snapshot: string | null; readonly lsn: number | bigint | null; readonly table: string };
}

type Row = Readonly<Record<string, unknown>>;

export interface TopicReader {
  /** All records read so far, in order of arrival. */
  readonly records: readonly RawRecord[];
  stop(): Promise<void>;
}

/** Makes missing topics and reads all from the beginning with a plain client: what a stranger would see. */
export async function readTopics(cluster: Cluster, topics: readonly string[]): Promise<TopicReader> {
  const kafka = bareKafka(cluster);
  const admin = kafka.admin();
  await admin.connect();
  const present = await admin.listTopics();
  const missing = topics.filter((topic) => !present.includes(topic));
  await createTopics(
    admin,
    missing.map((topic) => ({ topic, numPartitions: 4 })),
  );
  await admin.disconnect();
  const records: RawRecord[] = [];
  const decode = decoder(cluster);
  const consumer: Consumer = kafka.consumer({
    groupId: `test-reader-${process.pid}-${Date.now().toString(36)}`,
    maxWaitTimeInMs: 50,
  });
  await consumer.connect();
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ topic, partition, message }) => {
      const value = message.value === null ? null : await decode(message.value);
      const headers = Object.fromEntries(
        Object.entries(message.headers ?? {}).map(([name, header]) => [name, String(header)]),
      );
      records.push({ topic, partition, offset: message.offset, key: message.key, headers, value });
    },
  });
  return { records, stop: () => consumer.disconnect() };
}

/** Every value that a single-partition topic has now, as text. */
export async function readTexts(cluster: Cluster, topic: string): Promise<string[]> {
  const kafka = bareKafka(cluster);
  const admin = kafka.admin();
  await admin.connect();
  const end = Number((await admin.fetchTopicOffsets(topic))[0]?.high ?? 0);
  await admin.disconnect();
  const consumer = kafka.consumer({
    groupId: `test-texts-${process.pid}-${Date.now().toString(36)}`,
    maxWaitTimeInMs: 50,
  });
  const texts: string[] = [];
  await consumer.connect();
  await consumer.subscribe({ topics: [topic], fromBeginning: true });
  const done = new Promise<void>((resolve) => {
    consumer
      .run({
        autoCommit: false,
        eachMessage: async ({ message }) => {
          texts.push(message.value?.toString() ?? '');
          if (Number(message.offset) >= end - 1) resolve();
        },
      })
      .catch(() => resolve());
  });
  await done;
  await consumer.disconnect();
  return texts;
}

/** Longs that a number cannot hold exactly become bigints. */
const longType = avsc.types.LongType.__with({
  fromBuffer: (buffer: Buffer) => {
    const long = buffer.readBigInt64LE();
    return Number.isSafeInteger(Number(long)) ? Number(long) : long;
  },
  toBuffer: (value: number | bigint) => {
    const buffer = Buffer.alloc(8);
    buffer.writeBigInt64LE(BigInt(value));
    return buffer;
  },
  fromJSON: Number,
  toJSON: Number,
  isValid: (value: unknown) => typeof value === 'number' || typeof value === 'bigint',
  compare: (a: number | bigint, b: number | bigint) => (a < b ? -1 : a > b ? 1 : 0),
});

function decoder({ registry }: Cluster): (value: Buffer) => Promise<Envelope> {
  const types = new Map<number, Promise<avsc.Type>>();
  const fetchType = async (id: number): Promise<avsc.Type> => {
    const { text } = await askPlainly(registry, `/schemas/ids/${id}`);
    const { schema } = JSON.parse(text) as { schema: string };
    return avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema, {
      registry: { long: longType },
      wrapUnions: false,
    });
  };
  return async (value) => {
    if (value[0] !== 0) throw new Error(`no record of the registry: ${value.subarray(0, 8).toString('hex')}`);
    const id = value.readInt32BE(1);
    const type = types.get(id) ?? fetchType(id);
    types.set(id, type);
    return (await type).fromBuffer(value.subarray(5)) as Envelope;
  };
}
