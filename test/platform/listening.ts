import { expect } from 'vitest';
import type { ClientOptions } from '#libs/platform/kafka/client.ts';
import { openConsumer } from '#libs/platform/kafka/consumer.ts';
import type { Consumer, IncomingRecord } from '#libs/platform/kafka/contract.ts';
import { openLog } from '#libs/platform/log.ts';

export interface Listening {
  readonly records: IncomingRecord[];
  /** The troubles it was told of, in order; `back` where one was reported over. */
  readonly troubles: string[];
  /** How many partitions it got, each time it joined its group. */
  readonly assigned: number[];
  /** The errors that ended it. */
  readonly failures: Error[];
  readonly consumer: Consumer;
}

export interface ListeningOptions extends Pick<ClientOptions, 'brokers' | 'security' | 'timeoutMs'> {
  readonly partitions?: number;
  readonly group?: string;
}

/** Reads a topic from its group's last position. */
export function listen(topic: string, options: ListeningOptions): Listening {
  const { partitions = 1, group = `group of ${topic}`, ...client } = options;
  const records: IncomingRecord[] = [];
  const troubles: string[] = [];
  const assigned: number[] = [];
  const failures: Error[] = [];
  const next = new Map<number, bigint>();
  const consumer = openConsumer({
    ...client,
    clientId: 'test',
    log: openLog('silent'),
    group,
    topics: [topic],
    partitions,
    handler: {
      onAssigned: (given) => {
        assigned.push(given.length);
        for (const one of given) consumer.begin(one, next.get(one.partition) ?? 0n);
      },
      onRevoked: () => {},
      onBatch: async (batch) => {
        records.push(...batch.records);
        next.set(batch.partition, (batch.records.at(-1)?.offset ?? -1n) + 1n);
        return true;
      },
      onHeard: () => {},
      onTrouble: (error) => troubles.push(error?.message ?? 'back'),
      onFailure: (error) => failures.push(error),
    },
  });
  return { records, troubles, assigned, failures, consumer };
}

export const numbers = (from: number, count: number) =>
  Array.from({ length: count }, (_, index) => ({ key: Buffer.from('key'), value: Buffer.from(String(from + index)) }));

export const valuesOf = (records: readonly IncomingRecord[]): string[] => records.map(({ value }) => String(value));

export const poll = <T>(ask: () => T) => expect.poll(ask, { interval: 20 });
