import { setTimeout as sleep } from 'node:timers/promises';
import type { EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { ConsumerHandler, IncomingRecord } from './contract.ts';

/**
 * Hands a batch to the handler, which may take as long as the analytics database is away. Heartbeats go on meanwhile; if the
 * group answers one with a rebalance, the work under way is no longer ours.
 * @param beatMs between two heartbeats, milliseconds
 * @returns whether the batch was dealt with
 */
export async function handleBatch(
  { batch, heartbeat }: EachBatchPayload,
  handler: ConsumerHandler,
  beatMs: number,
): Promise<boolean> {
  const { topic, partition, messages, highWatermark } = batch;
  const taken = handler.onBatch({ topic, partition, records: messages.map(toRecord), high: BigInt(highWatermark) });
  for (;;) {
    const pause = new AbortController();
    const beat = sleep(beatMs, 'beat' as const, { signal: pause.signal }).catch(() => 'beat' as const);
    const first = await Promise.race([taken, beat]);
    pause.abort();
    if (first !== 'beat') return first;
    try {
      await heartbeat();
    } catch (error) {
      handler.onRevoked();
      throw error;
    }
  }
}

/** What the library's types leave out. */
interface WithContext {
  readonly batchContext?: { readonly partitionLeaderEpoch: number; readonly inTransaction: boolean };
}

function toRecord({ offset, key, value, headers = {}, batchContext }: KafkaMessage & WithContext): IncomingRecord {
  const read: Record<string, Buffer> = {};
  for (const [name, given] of Object.entries(headers)) {
    const last = Array.isArray(given) ? given.at(-1) : given;
    if (last !== undefined) read[name] = typeof last === 'string' ? Buffer.from(last) : last;
  }
  return {
    offset: BigInt(offset),
    key,
    value,
    headers: read,
    leaderEpoch: batchContext?.partitionLeaderEpoch,
    inTransaction: batchContext?.inTransaction ?? false,
  };
}
