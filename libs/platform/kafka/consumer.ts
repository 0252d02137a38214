import type { Kafka } from 'kafkajs';
import { Backoff } from '../retry.ts';
import { openClient } from './client.ts';
import type { BrokerFault, Consumer, PartitionId } from './contract.ts';
import { hopeless, toBrokerFault } from './faults.ts';
import { type ConsumerOptions, Membership } from './membership.ts';

export type { ConsumerOptions } from './membership.ts';

export function openConsumer(options: ConsumerOptions): Consumer {
  return new Member(options);
}

/**
 * The library does not restart after every failure, and after some it restarts silently. So we always restart it ourselves,
 * whatever the cause, with growing pauses until a membership has lasted for a while.
 */
class Member implements Consumer {
  readonly #options: ConsumerOptions;
  readonly #client: Kafka;
  readonly #closing = new AbortController();
  readonly #ended: Promise<void>;
  #present: Membership | undefined;

  constructor(options: ConsumerOptions) {
    this.#options = options;
    this.#client = openClient(options);
    this.#ended = this.#live();
  }

  begin(partition: PartitionId, offset: bigint): void {
    this.#present?.begin(partition, offset);
  }

  hold(partition: PartitionId): void {
    this.#present?.hold(partition);
  }

  report(partition: PartitionId, next: bigint): void {
    this.#present?.report(partition, next);
  }

  rejoin(reason: BrokerFault): void {
    this.#present?.end(reason);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#ended;
  }

  async #live(): Promise<void> {
    const { signal } = this.#closing;
    let isRelapsing = false;
    const backoff = new Backoff();
    while (!signal.aborted) {
      const membership = new Membership(this.#client, this.#options, isRelapsing);
      this.#present = membership;
      const error = await membership.last(signal);
      this.#present = undefined;
      const isWorthARetry = signal.aborted || this.#tell(error);
      await membership.close();
      if (!isWorthARetry) return;
      if (membership.wasSteady) backoff.reset();
      if (membership.hasJoined) isRelapsing = !membership.wasSteady;
      await backoff.wait(signal);
    }
  }

  /** @returns false if there is no use in trying again */
  #tell(error: unknown): boolean {
    const { handler, brokers, group, topics } = this.#options;
    const end = hopeless(error, { brokers, topics });
    if (end === undefined) handler.onTrouble(toBrokerFault(error, { brokers, group, topics }));
    else handler.onFailure(end);
    return end === undefined;
  }
}
