import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadConfig } from '#libs/platform/config/config.ts';
import { openProducer } from '#libs/platform/kafka/producer.ts';
import { openLog } from '#libs/platform/log.ts';
import { kafkaMarker } from '#libs/reconcile/rows/kafka-marker.ts';
import { openPartitionProgress, openProgressStore } from '#libs/store/progress/progress.ts';
import { onCluster } from '../../source/kafka-world.ts';
import { clientOf, createTopics } from '../../support/cluster.ts';
import { createAnalyticsDatabase, type TestDatabase } from '../../support/database.ts';
import { useStack } from '../../support/stack.ts';

let analytics: TestDatabase;
beforeAll(async () => {
  analytics = await createAnalyticsDatabase('marker');
});
afterAll(() => analytics.drop());

test('a marker that was lost on its way is written again, and a run does not wait for ever', async () => {
  const cluster = useStack();
  const prefix = `marker_${Date.now().toString(36)}`;
  const topic = `${prefix}.public.grades`;
  await onCluster(cluster, (admin) => createTopics(admin, [{ topic, numPartitions: 1 }]));
  await openProgressStore(analytics.db).beginEpoch('debezium', 'a server', 'a test');
  await openPartitionProgress(analytics.db).open([`kafka:${topic}:0`], 'cluster');
  const producer = openProducer(clientOf(cluster));
  const written: string[] = [];
  const marker = await kafkaMarker({
    config: loadConfig({ ...cluster.env, CONNECT_URL: undefined, KAFKA_TOPIC_PREFIX: prefix }),
    db: analytics.db,
    log: openLog('silent'),
    source: {
      // What comes between the source's log and the topic keeps the first to itself.
      emit: async (word) => {
        written.push(word);
        const value = Buffer.from(`a message around ${word} as it was written`);
        if (written.length > 1) await producer.send(`${prefix}.message`, [{ key: null, value }]);
        return { after: '0/1', end: '0/2' };
      },
    },
    runId: randomUUID(),
    say: () => {},
    signal: AbortSignal.timeout(60_000),
    againMs: 500,
  });
  try {
    expect(await marker.pass('grades', 1)).toBe(true);
    expect(new Set(written).size).toBe(1);
    expect(written.length).toBeGreaterThan(1);
  } finally {
    await Promise.all([marker.close(), producer.close()]);
  }
});
