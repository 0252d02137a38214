import pino from 'pino';
import { expect, test } from 'vitest';
import { type InstanceAnswer, instanceTroubles } from '#libs/serve/instances.ts';
import { presentSource } from '#libs/serve/source.ts';
import type { SourceStatus } from '#libs/source/contract.ts';
import { PartitionState } from '#libs/source/kafka/partition-state.ts';
import { KafkaStatus } from '#libs/source/kafka/status.ts';

const instance = (intake: string, status: SourceStatus): InstanceAnswer => ({
  roles: ['engagement'],
  intake,
  host: 'a host',
  pid: 1,
  started_at: '2026-01-01T00:00:00.000Z',
  heard_at: '2026-01-01T00:00:00.000Z',
  alive: true,
  troubles: [],
  staged: 0,
  streamed: 0,
  changed: 0,
  source: presentSource(status),
});
const troubles = (...given: readonly InstanceAnswer[]): string[] => instanceTroubles(given, ['engagement']);
const kafka = (status: KafkaStatus): InstanceAnswer => instance('kafka engagement', status.read());

/** A member of a consumer group that has these partitions of a topic. */
function member(...partitions: readonly number[]) {
  const status = new KafkaStatus(pino({ level: 'silent' }));
  const states = partitions.map(
    (partition) =>
      new PartitionState(
        { topic: 'lms.public.grades', partition },
        'grades',
        {
          stream: `kafka:lms.public.grades:${partition}`,
          epoch: 1,
          applied: 4n,
          lastRecord: null,
          origin: 'a cluster',
        },
        9n,
        () => {},
      ),
  );
  status.say('streaming', 'reading');
  status.partitionStates(new Map(states.map((state) => [state.stream, state])));
  return { status, states };
}

test('a partition that waits is told, though other members of its group read theirs, or have none and stand by', () => {
  const [held, reading, idle] = [member(0, 1), member(2), member()];
  expect(troubles(kafka(held.status), kafka(reading.status))).toEqual([]);
  for (const state of held.states.slice(1)) state.reading = { kind: 'gap', said: 'a gap in lms.public.grades:1' };
  expect(troubles(kafka(held.status), kafka(reading.status))).toEqual(['engagement: a gap in lms.public.grades:1']);
  expect(troubles(kafka(held.status), kafka(idle.status))).toEqual(['engagement: a gap in lms.public.grades:1']);
});

test('one that has no partition at the moment is none while others read', () => {
  const [away, reading] = [member(), member(2)];
  away.status.partitionStates(undefined);
  away.status.trouble('consumer', 'the Kafka cluster does not answer');
  expect(troubles(kafka(away.status), kafka(reading.status))).toEqual([]);
  expect(troubles(kafka(away.status))).toEqual(['engagement: the Kafka cluster does not answer']);
});

test('a standby of a slot is none while another reads it', () => {
  const at = (state: SourceStatus['state']): InstanceAnswer =>
    instance('pgoutput', { state, detail: `${state} here`, lagBytes: null, heardAt: null });
  expect(troubles(at('waiting'), at('streaming'))).toEqual([]);
  expect(troubles(at('waiting'), at('waiting'))).toEqual(['engagement: waiting here']);
});
