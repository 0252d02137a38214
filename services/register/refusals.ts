import { ConfigurationError } from '#libs/domain/errors.ts';
import { shown } from '#libs/platform/http.ts';
import type { ConnectRefusal } from '#libs/source/connect/http.ts';
import type { RegisterSettings } from './settings.ts';

/** Messages with which Kafka Connect 4.3 refuses our connector, and what helps. */
const REMEDIES: readonly (readonly [said: RegExp, remedy: string])[] = [
  [
    /policy does not allow '.*' to be overridden/,
    'the connector asks for producer.override.linger.ms=0, so that each change is sent at once, and for producer.override.max.request.size, so that large rows are. Either set connector.client.config.override.policy=All in the settings of the Connect worker (Principal is not enough) and start it again; or do without: set CONNECT_OVERRIDES=off here, and in the settings of the worker producer.linger.ms=0, without which each change comes some milliseconds later, and producer.max.request.size=8388608',
  ],
  [
    /io\.confluent\.\S*AvroConverter could not be found/,
    'a registry whose address has no /apis/ccompat/ is taken for Confluent’s or Karapace, and goes with the Avro converter of Confluent: put that (io.confluent:kafka-connect-avro-converter, with all that it depends on, from Confluent’s repository or Confluent Hub) into a folder of its own below plugin.path of the Connect worker, and start it again; of Apicurio set SCHEMA_REGISTRY_URL to the address that ends in /apis/ccompat/v7',
  ],
  [
    /AvroConverter could not be found/,
    'put the Avro converter of Apicurio (io.apicurio:apicurio-registry-utils-converter, with all that it depends on) into a folder of its own below plugin.path of the Connect worker, and start it again; the Dockerfile of PrepaData makes an image of Connect that has it',
  ],
  [
    /Failed to find any class that implements Connector/,
    'put the PostgreSQL connector of Debezium (io.debezium:debezium-connector-postgres, the archive "plugin") below plugin.path of the Connect worker, and start it again; the Dockerfile of PrepaData makes an image of Connect that has it',
  ],
  [
    /authentication failed/,
    'Connect reads the password from its own environment: give it SOURCE_DB_PASSWORD, and in the settings of the worker config.providers=env and config.providers.env.class=org.apache.kafka.common.config.provider.EnvVarConfigProvider; then start it again',
  ],
];

const OTHERWISE =
  'see that Connect reaches SOURCE_DB_HOST, KAFKA_BROKERS and the registry from where it runs, and read its log around this time';

/** The error for a person, with a remedy. */
export function explainRefusal(refusal: ConnectRefusal, { connect, name }: RegisterSettings): ConfigurationError {
  const said = refusal.message.trim();
  const remedy = REMEDIES.find(([words]) => words.test(said))?.[1] ?? OTHERWISE;
  return new ConfigurationError(
    `Kafka Connect (${shown(connect.url)}) does not take the connector ${name}: ${said}`,
    remedy,
    { cause: refusal },
  );
}
