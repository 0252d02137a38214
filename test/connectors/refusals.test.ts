import { expect, test } from 'vitest';
import { ConnectRefusal } from '#libs/source/connect/http.ts';
import { explainRefusal } from '../../services/register/refusals.ts';
import type { RegisterSettings } from '../../services/register/settings.ts';

const SETTINGS = { connect: { url: 'http://us:secret@connect:8083' }, name: 'lms' } as RegisterSettings;

/* Kafka Connect 4.3.1's answers when its worker lacked what is named. */
const INVALID = 'Connector configuration is invalid and contains the following 1 error(s):\n';

test.each([
  [
    'the right to override',
    `${INVALID}The 'Principal' policy does not allow 'linger.ms' to be overridden in the connector configuration.\n`,
    [
      'connector.client.config.override.policy=All',
      'CONNECT_OVERRIDES=off',
      'producer.linger.ms=0',
      'producer.max.request.size=',
    ],
  ],
  [
    'the Avro converter',
    `${INVALID}Invalid value io.apicurio.registry.utils.converter.AvroConverter for configuration key.converter: Class io.apicurio.registry.utils.converter.AvroConverter could not be found.\n`,
    ['apicurio-registry-utils-converter', 'plugin.path'],
  ],
  [
    'the Avro converter of Confluent',
    `${INVALID}Invalid value io.confluent.connect.avro.AvroConverter for configuration key.converter: Class io.confluent.connect.avro.AvroConverter could not be found.\n`,
    ['io.confluent:kafka-connect-avro-converter', 'plugin.path', '/apis/ccompat/v7'],
  ],
  [
    'Debezium',
    'Failed to find any class that implements Connector and which name matches io.debezium.connector.postgresql.PostgresConnector, available connectors are: ',
    ['debezium-connector-postgres', 'plugin.path'],
  ],
  [
    'a provider of passwords',
    `${INVALID}Error while validating connector config: FATAL: password authentication failed for user "prepadata"\n`,
    ['SOURCE_DB_PASSWORD', 'config.providers=env', 'EnvVarConfigProvider'],
  ],
  ['what nobody has thought of', `${INVALID}It is raining.`, ['read its log']],
])('a Connect without %s is told as what to do', (_, said, remedies) => {
  const { message, hint } = explainRefusal(new ConnectRefusal(said), SETTINGS);
  expect(message).toContain('Kafka Connect (http://connect:8083) does not take the connector lms');
  expect(message).toContain(said.trim());
  for (const remedy of remedies) expect(hint).toContain(remedy);
});
