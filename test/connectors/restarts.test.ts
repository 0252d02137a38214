import { expect, test } from 'vitest';
import { loadConfig } from '#libs/platform/config/config.ts';
import { Restarts } from '../../services/register/restarts.ts';
import { registerSettings } from '../../services/register/settings.ts';
import type { ConnectorContext } from '../../services/register/steps.ts';

const ENVIRONMENT = {
  SOURCE_DB_HOST: 'lms.example',
  SOURCE_DB_PASSWORD: 'secret',
  ANALYTICS_DB_HOST: 'analytics.example',
  KAFKA_BROKERS: 'one:9092,two:9092',
  SCHEMA_REGISTRY_URL: 'http://registry:8080/apis/ccompat/v7',
  CONNECT_URL: 'http://connect:8083',
};

/* The producer's error for a row that exceeds its own limit, and the broker's. */
const TOO_LARGE =
  'RecordTooLargeException: The message is 1500411 bytes when serialized which is larger than 1048576, which is the value of the max.request.size configuration.';

async function told(reason: string, environment: Record<string, string> = {}): Promise<string> {
  const settings = registerSettings(loadConfig({ ...ENVIRONMENT, ...environment }));
  return new Restarts().onFailure({ settings, tell: () => {} } as unknown as ConnectorContext, reason);
}

test('a row that is larger than Kafka takes is told with what has it taken', async () => {
  const said = await told(TOO_LARGE);
  expect(said).toContain(`the task of the connector lms has failed: ${TOO_LARGE}`);
  expect(said).toContain('kafka-configs.sh --bootstrap-server one:9092,two:9092 --alter');
  expect(said).toContain('max.message.bytes=');
  expect(said).toContain('above 8388608 bytes also CONNECT_OVERRIDES=off');
  expect(said).toMatch(/it is started again in 1 s$/);
  const without = await told(TOO_LARGE, { CONNECT_OVERRIDES: 'off' });
  expect(without).toContain('producer.max.request.size=');
  expect(without).not.toContain('CONNECT_OVERRIDES');
});

test('of what nobody has thought of Connect’s words are told', async () => {
  expect(await told('It is raining.')).toBe(
    'the task of the connector lms has failed: It is raining.; it is started again in 1 s',
  );
});
