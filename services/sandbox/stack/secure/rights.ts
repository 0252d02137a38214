import type { SettingValues } from '#libs/platform/config/settings.ts';
import type { KafkaRight } from '#libs/platform/kafka/rights.ts';
import type { KafkaUser } from './credentials.ts';

/** The settings that names of topics and groups are made of. */
export type KafkaNames = Pick<SettingValues, 'KAFKA_TOPIC_PREFIX' | 'KAFKA_GROUP_PREFIX' | 'SOURCE_SCHEMA'>;

const featureTopic = (family: string): KafkaRight => [
  'TOPIC',
  `prepadata.${family}`,
  'CREATE',
  'WRITE',
  'DESCRIBE',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
];

/** Everything works with exactly these rights; connectors/README.md shows them to administrators. */
export function rightsOf(names: KafkaNames): Readonly<Record<KafkaUser, readonly KafkaRight[]>> {
  const { KAFKA_TOPIC_PREFIX: topics, KAFKA_GROUP_PREFIX: groups, SOURCE_SCHEMA: schema } = names;
  const changes: KafkaRight = ['TOPIC', `${topics}.${schema}.*`, 'CREATE', 'READ', 'DESCRIBE', 'DESCRIBE_CONFIGS'];
  return {
    connect: [
      ['TOPIC', 'connect-*', 'CREATE', 'READ', 'WRITE', 'DESCRIBE', 'DESCRIBE_CONFIGS'],
      ['GROUP', 'prepadata-connect', 'READ'],
      ['TOPIC', `${topics}.*`, 'CREATE', 'WRITE', 'DESCRIBE'],
      ['TOPIC', `__debezium-heartbeat.${topics}`, 'CREATE', 'WRITE', 'DESCRIBE'],
    ],
    connector: [
      ['TOPIC', `${topics}-signal`, 'READ', 'DESCRIBE'],
      ['GROUP', `${topics}-signal`, 'READ'],
    ],
    engagement: [changes, ['GROUP', `${groups}.engagement`, 'READ'], featureTopic('engagement')],
    performance: [changes, ['GROUP', `${groups}.performance`, 'READ'], featureTopic('performance')],
    anomaly: [featureTopic('anomaly')],
    reconcile: [
      ['TOPIC', `${topics}.${schema}.*`, 'DESCRIBE'],
      ['TOPIC', `${topics}.message`, 'CREATE', 'READ', 'DESCRIBE'],
      ['GROUP', `${groups}.reconcile.*`, 'READ'],
    ],
  };
}
