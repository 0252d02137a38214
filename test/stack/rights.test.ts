import { describe, expect, test } from 'vitest';
import { FAMILIES } from '#libs/domain/family.ts';
import { SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import { loadConfig, namesOf } from '#libs/platform/config/config.ts';
import type { SettingName } from '#libs/platform/config/settings.ts';
import { changeTopicOf } from '#libs/source/kafka/options.ts';
import { featureTopicOf } from '#libs/store/features/outbox.ts';
import { registerSettings, wantedConfig } from '../../services/register/settings.ts';
import type { KafkaUser } from '../../services/sandbox/stack/secure/credentials.ts';
import { rightsOf } from '../../services/sandbox/stack/secure/rights.ts';

/* A secured stack grants rights on exactly the names that its programs use, whatever the settings choose. */

const PLACES = {
  SOURCE_DB_HOST: 'lms',
  ANALYTICS_DB_HOST: 'analytics',
  CONNECT_URL: 'http://connect:8083',
  SCHEMA_REGISTRY_URL: 'http://registry:8080/apis/ccompat/v7',
  KAFKA_BROKERS: 'broker:9092',
};
const OTHERS: Partial<Record<SettingName, string>> = {
  KAFKA_TOPIC_PREFIX: 'school',
  KAFKA_GROUP_PREFIX: 'school-prepadata',
  SOURCE_SCHEMA: 'moodle',
};

describe.each([
  ['the names that they have by themselves', {}],
  ['other names', OTHERS],
])('with %s', (_, env) => {
  const config = loadConfig({ ...PLACES, ...env });
  const rights = rightsOf(config);
  const connector = wantedConfig(registerSettings(config), 1, 'no_data');
  const may = (user: KafkaUser, wanted: string, kind: 'TOPIC' | 'GROUP', name: string): boolean =>
    rights[user].some(
      ([of, pattern, ...operations]) =>
        of === kind &&
        (operations as string[]).includes(wanted) &&
        (pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : name === pattern),
    );

  test('the change topics are written by Connect, and read by who follows them', () => {
    for (const table of SOURCE_TABLES) {
      const topic = changeTopicOf({ topicPrefix: config.KAFKA_TOPIC_PREFIX, names: namesOf(config) }, table);
      expect([topic, may('connect', 'WRITE', 'TOPIC', topic)]).toEqual([topic, true]);
      expect([topic, may('engagement', 'READ', 'TOPIC', topic)]).toEqual([topic, true]);
      expect([topic, may('performance', 'READ', 'TOPIC', topic)]).toEqual([topic, true]);
      expect([topic, may('reconcile', 'DESCRIBE', 'TOPIC', topic)]).toEqual([topic, true]);
    }
  });

  test('the groups are those of the settings', () => {
    expect(may('engagement', 'READ', 'GROUP', `${config.KAFKA_GROUP_PREFIX}.engagement`)).toBe(true);
    expect(may('performance', 'READ', 'GROUP', `${config.KAFKA_GROUP_PREFIX}.performance`)).toBe(true);
    expect(may('reconcile', 'READ', 'GROUP', `${config.KAFKA_GROUP_PREFIX}.reconcile.7`)).toBe(true);
  });

  test('the connector reads its signals, and writes its heartbeats and messages', () => {
    const prefix = connector['topic.prefix'];
    expect(may('connector', 'READ', 'TOPIC', connector['signal.kafka.topic'] ?? '')).toBe(true);
    expect(may('connector', 'READ', 'GROUP', connector['signal.kafka.groupId'] ?? '')).toBe(true);
    expect(may('connect', 'WRITE', 'TOPIC', `__debezium-heartbeat.${prefix}`)).toBe(true);
    expect(may('connect', 'WRITE', 'TOPIC', `${prefix}.message`)).toBe(true);
    expect(may('reconcile', 'READ', 'TOPIC', `${config.KAFKA_TOPIC_PREFIX}.message`)).toBe(true);
  });

  test('a role writes the feature topic of its family, and no other', () => {
    for (const user of ['engagement', 'performance', 'anomaly'] as const)
      for (const family of FAMILIES) {
        const topic = featureTopicOf(family);
        expect([user, topic, may(user, 'WRITE', 'TOPIC', topic)]).toEqual([user, topic, topic === `prepadata.${user}`]);
      }
  });

  test('nobody else may write change topics, and whose names others have are not ours', () => {
    for (const user of ['connector', 'engagement', 'performance', 'anomaly', 'reconcile'] as const)
      expect(may(user, 'WRITE', 'TOPIC', `${config.KAFKA_TOPIC_PREFIX}.${config.SOURCE_SCHEMA}.grades`)).toBe(false);
    const theirs = env === OTHERS ? 'lms.public.grades' : 'school.moodle.grades';
    expect(may('engagement', 'READ', 'TOPIC', theirs)).toBe(false);
    expect(may('connect', 'WRITE', 'TOPIC', theirs)).toBe(false);
  });
});
