import { Observable, type Subscriber } from 'rxjs';
import { messageOf } from '#libs/domain/errors.ts';
import { openAdmin } from '#libs/platform/kafka/admin.ts';
import { openConsumer } from '#libs/platform/kafka/consumer.ts';
import type { Admin, Consumer, Demand } from '#libs/platform/kafka/contract.ts';
import type { ChangeSource, Delivery } from '../contract.ts';
import { Stopped } from '../delivery.ts';
import { Assignment } from './assignment.ts';
import { BatchDispatcher } from './batch-dispatcher.ts';
import { changeTopicOf, type KafkaSettings, type KafkaSourceOptions, withKafkaDefaults } from './options.ts';
import { askUntilAnswered } from './retry.ts';
import { KafkaStatus } from './status.ts';

export type { KafkaSourceOptions } from './options.ts';

/**
 * Follows a database through what Debezium writes into Kafka, one topic per table.
 *
 * - Topics are created before they are read. The members of a group divide the partitions among themselves; a member that
 *   loses a partition may finish its batch in progress, which does no harm.
 * - We keep the place where reading resumes in the analytics database, with each batch; the group's offsets are written
 *   only for those who monitor them.
 * - A partition whose next record is gone waits, visibly, until a new epoch is begun; the others go on. A partition whose
 *   next record has a schema that the registry does not return waits for the schema in the same way.
 * - A cluster that is away is waited for. The observable errors with an UnrecoverableError for a connector that is not
 *   ours or a needed column that is gone, with a ConfigurationError for topics that cannot be created. It never completes.
 *
 * One subscription at a time; `status()` describes the latest.
 */
export function kafkaSource(options: KafkaSourceOptions): ChangeSource {
  const settings = withKafkaDefaults(options);
  const status = new KafkaStatus(settings.log);
  return {
    status: () => status.read(),
    deliveries: () =>
      new Observable<Delivery>((subscriber) => {
        const abort = new AbortController();
        run(settings, status, subscriber, abort)
          .catch((error: unknown) => {
            if (error instanceof Stopped) return;
            status.say('stopped', messageOf(error));
            subscriber.error(error);
          })
          .catch((error: unknown) => subscriber.error(error));
        return () => {
          abort.abort();
          // After a failure the status already says why.
          if (status.read().state !== 'stopped') status.say('stopped', 'stopped');
        };
      }),
  };
}

async function run(
  settings: KafkaSettings,
  status: KafkaStatus,
  subscriber: Subscriber<Delivery>,
  abort: AbortController,
): Promise<never> {
  const { brokers, security, group, tables, log } = settings;
  const { signal } = abort;
  const client = { brokers, security, clientId: group, log };
  const tablesByTopic = new Map(tables.map((table) => [changeTopicOf(settings, table), table]));
  const topics = [...tablesByTopic.keys()];
  const admin = openAdmin(client);
  let consumer: Consumer | undefined;
  try {
    status.say('starting', `asking the Kafka cluster ${brokers.join(',')} for ${topics.join(', ')}`);
    const partitions = await askUntilAnswered(status, 'start', signal, () => prepare(settings, admin, topics));
    status.heard();
    status.say('starting', `joining the consumer group ${group}`);
    const dispatcher = new BatchDispatcher(subscriber, settings.maxBatch, signal);
    const failure = new Promise<never>((_, fail) => {
      const assignment = new Assignment({
        settings,
        status,
        admin,
        dispatcher,
        tablesByTopic,
        signal,
        makeTopics: () => makeTopics(settings, admin, topics),
        fail,
      });
      consumer = openConsumer({ ...client, group, topics, partitions, handler: assignment });
      assignment.consumer = consumer;
    });
    return await Promise.race([dispatcher.run(), failure]);
  } finally {
    abort.abort();
    status.partitionStates(undefined);
    await Promise.all([consumer?.close(), admin.close()]);
  }
}

/** The same settings as Connect's (lms.json): a row may exceed the megabyte that Kafka accepts by default. */
const CHANGE_TOPIC = { 'cleanup.policy': 'delete', 'max.message.bytes': '8388608' } as const;

const CHANGE_TOPIC_DEMANDS: Readonly<Record<string, Demand>> = {
  'cleanup.policy': {
    accepts: (value) => value === CHANGE_TOPIC['cleanup.policy'],
    otherwise:
      'a compacted topic keeps only the last change of each key, so that changes go before they are read, and takes no delete of a row, since those have no key',
    afterwards: 'then npm run register -- --new-epoch, since changes may be lost already',
  },
};

async function makeTopics(settings: KafkaSettings, admin: Admin, topics: readonly string[]): Promise<void> {
  const { partitions, replication, log } = settings;
  const { made } = await admin.ensureTopics(
    topics.map((topic) => ({ topic, partitions, replication, config: CHANGE_TOPIC, demands: CHANGE_TOPIC_DEMANDS })),
  );
  if (made.length > 0) log.info({ topics: made }, 'made the topics that the connector is to write');
}

/** @returns the total number of partitions of the topics */
async function prepare(settings: KafkaSettings, admin: Admin, topics: readonly string[]): Promise<number> {
  await makeTopics(settings, admin, topics);
  return (await admin.watermarks(topics)).length;
}
