import { setTimeout as sleep } from 'node:timers/promises';
import { openClient } from '#libs/platform/kafka/client.ts';
import type { Watermarks } from '#libs/platform/kafka/contract.ts';
import { openLog } from '#libs/platform/log.ts';
import { openRegistry } from '#libs/platform/registry/registry.ts';

/** As long as the product waits for a record; an available one is returned at once. */
const IDLE_FETCH_MS = 100;
const JOIN_MS = 60_000;

export interface FollowOptions {
  readonly brokers: string;
  readonly registryUrl: string;
  /** Must exist. */
  readonly topics: readonly string[];
  /** Called with each decoded value as soon as it is decoded; a tombstone is null. */
  readonly onValue: (value: unknown) => void;
}

export interface Follower {
  /** How often the library's consumer crashed; the measurements include its recovery. */
  readonly crashes: number;
  /** Resolves when everything before these marks is decoded. */
  untilAt(marks: readonly Watermarks[]): Promise<void>;
  stop(): Promise<void>;
}

let followers = 0;

/** Reads topics from the beginning and only decodes, with the library and our cached decoders. */
export async function follow({ brokers, registryUrl, topics, onValue }: FollowOptions): Promise<Follower> {
  followers += 1;
  const groupId = `bench-${process.pid}-${followers}`;
  const client = openClient({ brokers: brokers.split(','), clientId: groupId, log: openLog('silent') });
  const registry = openRegistry({ url: registryUrl });
  const consumer = client.consumer({
    groupId,
    maxWaitTimeInMs: IDLE_FETCH_MS,
    allowAutoTopicCreation: false,
    // After a crash it begins again at the start, and skips what it has already decoded.
    retry: { restartOnFailure: async () => true },
  });
  const next = new Map<string, bigint>();
  let crashes = 0;
  let failure: unknown;
  consumer.on(consumer.events.CRASH, ({ payload }) => {
    crashes += 1;
    if (!payload.restart) failure = payload.error;
  });
  const joined = new Promise<void>((resolve) => consumer.on(consumer.events.GROUP_JOIN, () => resolve()));
  await consumer.connect();
  await consumer.subscribe({ topics: [...topics], fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachBatch: async ({ batch, heartbeat }) => {
      const place = `${batch.topic}:${batch.partition}`;
      for (const { value, offset } of batch.messages) {
        if (BigInt(offset) < (next.get(place) ?? 0n)) continue;
        onValue(value === null ? null : await registry.decode(value));
        next.set(place, BigInt(offset) + 1n);
      }
      await heartbeat();
    },
  });
  await Promise.race([joined, sleep(JOIN_MS, undefined, { ref: false })]);
  return {
    get crashes() {
      return crashes;
    },
    untilAt: async (marks) => {
      const isBehind = ({ topic, partition, low, high }: Watermarks): boolean =>
        high > low && (next.get(`${topic}:${partition}`) ?? 0n) < high;
      while (marks.some(isBehind)) {
        if (failure !== undefined) throw new Error(`the bench's own consumer ${groupId} failed`, { cause: failure });
        await sleep(10);
      }
    },
    stop: () => consumer.disconnect(),
  };
}
