import avsc from 'avsc';
import type { Family } from '#libs/domain/family.ts';
import { type FeaturePublisher, openFeaturePublisher } from '#libs/pipeline/topics/publisher.ts';
import {
  BrokerFault,
  type EnsuredTopics,
  type OutgoingMessage,
  type Producer,
  type TopicSpec,
} from '#libs/platform/kafka/contract.ts';
import { RegistryFault, SchemaRefused, type SchemaRegistry } from '#libs/platform/registry/contract.ts';

/** What a consumer decodes from one message. */
export interface Received {
  readonly topic: string;
  readonly student: number;
  readonly course: number;
  readonly rowVersion: bigint;
  /** Null for a tombstone. */
  readonly value: Readonly<Record<string, unknown>> | null;
}

/** An in-memory registry that can be away or refuse. */
export class FakeRegistry implements SchemaRegistry {
  readonly subjects = new Map<string, number>();
  readonly #types: avsc.Type[] = [];
  isAway = false;
  refuses: string | null = null;
  asked = 0;

  register(subject: string, schema: string): Promise<number> {
    this.asked += 1;
    if (this.isAway) return Promise.reject(new RegistryFault('no registry'));
    if (this.refuses !== null)
      return Promise.reject(new SchemaRefused('schema_refused', this.refuses, 'keep it compatible'));
    const known = this.subjects.get(subject);
    if (known !== undefined) return Promise.resolve(known);
    const id = this.#types.push(avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema));
    this.subjects.set(subject, id);
    return Promise.resolve(id);
  }

  decode(message: Buffer): Promise<unknown> {
    return Promise.resolve(this.read(message));
  }

  read(message: Buffer): Readonly<Record<string, unknown>> {
    const type = this.#types[message.readInt32BE(1) - 1];
    if (message[0] !== 0 || type === undefined) throw new Error('no message of a schema that is known');
    return type.fromBuffer(message.subarray(5)) as Readonly<Record<string, unknown>>;
  }
}

/** A cluster with one log per topic. `before` and `after` run around each sending, and may throw or delay it. */
export class FakeCluster {
  readonly registry = new FakeRegistry();
  readonly log: { readonly topic: string; readonly message: OutgoingMessage }[] = [];
  readonly topics: TopicSpec[] = [];
  isAway = false;
  /** Whether existing topics have wrong settings, until somebody ensures them. */
  fixes = false;
  sendings = 0;
  /** The most messages that a topic accepts at once. */
  most = Number.POSITIVE_INFINITY;

  producer(before: () => Promise<void> | void = () => {}, after: () => Promise<void> | void = () => {}): Producer {
    return {
      send: async (topic, messages) => {
        this.sendings += 1;
        await before();
        if (this.isAway) throw new BrokerFault('no broker answers');
        if (!this.topics.some((spec) => spec.topic === topic)) throw new BrokerFault(`there is no topic ${topic}`);
        if (messages.length > this.most) throw new BrokerFault('too large', { refusal: 'MESSAGE_TOO_LARGE' });
        const first = BigInt(this.log.filter((sent) => sent.topic === topic).length);
        this.log.push(...messages.map((message) => ({ topic, message })));
        await after();
        return new Map([[0, first]]);
      },
      close: () => Promise.resolve(),
    };
  }

  ensureTopics(topics: readonly TopicSpec[]): Promise<EnsuredTopics> {
    if (this.isAway) return Promise.reject(new BrokerFault('no broker answers'));
    const missing = topics.filter((spec) => !this.topics.some(({ topic }) => topic === spec.topic));
    const fixed = this.fixes ? topics.filter((spec) => !missing.includes(spec)) : [];
    this.fixes = false;
    this.topics.push(...missing);
    return Promise.resolve({ made: missing.map(({ topic }) => topic), fixed: fixed.map(({ topic }) => topic) });
  }

  publisher(family: Family, producer = this.producer()): FeaturePublisher {
    return openFeaturePublisher({
      family,
      producer,
      registry: this.registry,
      admin: this,
      partitions: 4,
      replication: 1,
    });
  }

  received(): Received[] {
    return this.log.map(({ topic, message }) => {
      const key = this.registry.read(message.key ?? Buffer.alloc(0));
      return {
        topic,
        student: Number(key['student_id']),
        course: Number(key['course_id']),
        rowVersion: BigInt(message.headers?.['row_version'] ?? '-1'),
        value: message.value === null ? null : this.registry.read(message.value),
      };
    });
  }
}

const keyOf = ({ topic, student, course }: Received): string => `${topic} ${student} ${course}`;

/** What compaction leaves: the last message of each key. */
export const lastOfEach = (messages: readonly Received[]): Map<string, Received> =>
  new Map(messages.map((message) => [keyOf(message), message]));

/** What a consumer that follows the rule keeps: each key's message with the greatest row_version. */
export function newestOfEach(messages: readonly Received[]): Map<string, Received> {
  const newest = new Map<string, Received>();
  for (const message of messages) {
    const known = newest.get(keyOf(message));
    if (known === undefined || message.rowVersion >= known.rowVersion) newest.set(keyOf(message), message);
  }
  return newest;
}
