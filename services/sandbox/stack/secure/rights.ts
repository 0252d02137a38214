import type { KafkaRight } from '#libs/platform/kafka/rights.ts';
import type { KafkaUser } from './credentials.ts';

const CHANGES: KafkaRight = ['TOPIC', 'lms.public.*', 'CREATE', 'READ', 'DESCRIBE', 'DESCRIBE_CONFIGS'];
const featureTopic = (family: string): KafkaRight => [
  'TOPIC',
  `prepadata.${family}`,
  'CREATE',
  'WRITE',
  'DESCRIBE',
  'DESCRIBE_CONFIGS',
  'ALTER_CONFIGS',
];

/** With these rights and no other everything works; connectors/README.md shows them to administrators. */
export const RIGHTS: Readonly<Record<KafkaUser, readonly KafkaRight[]>> = {
  connect: [
    ['TOPIC', 'connect-*', 'CREATE', 'READ', 'WRITE', 'DESCRIBE', 'DESCRIBE_CONFIGS'],
    ['GROUP', 'prepadata-connect', 'READ'],
    ['TOPIC', 'lms.*', 'CREATE', 'WRITE', 'DESCRIBE'],
    ['TOPIC', '__debezium-heartbeat.lms', 'CREATE', 'WRITE', 'DESCRIBE'],
  ],
  connector: [
    ['TOPIC', 'lms-signal', 'READ', 'DESCRIBE'],
    ['GROUP', 'lms-signal', 'READ'],
  ],
  engagement: [CHANGES, ['GROUP', 'prepadata.engagement', 'READ'], featureTopic('engagement')],
  performance: [CHANGES, ['GROUP', 'prepadata.performance', 'READ'], featureTopic('performance')],
  anomaly: [featureTopic('anomaly')],
  reconcile: [
    ['TOPIC', 'lms.public.*', 'DESCRIBE'],
    ['TOPIC', 'lms.message', 'CREATE', 'READ', 'DESCRIBE'],
    ['GROUP', 'prepadata.reconcile.*', 'READ'],
  ],
};
