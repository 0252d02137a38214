import { SOURCE_TABLES } from '#libs/domain/change.ts';
import type { KafkaWorld } from './kafka-world.ts';

/** The least that a connector needs to write what the source reads. */
export function connectorConfig(world: KafkaWorld, slot: string, epoch: number): Record<string, string> {
  const { host, port, database, user, password } = world.database.address;
  return {
    'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
    'plugin.name': 'pgoutput',
    'database.hostname': host,
    'database.port': String(port),
    'database.user': user,
    'database.password': password,
    'database.dbname': database,
    'topic.prefix': world.prefix,
    'publication.name': 'prepadata',
    'publication.autocreate.mode': 'disabled',
    'slot.name': slot,
    'snapshot.mode': 'initial',
    'poll.interval.ms': '5',
    'schema.name.adjustment.mode': 'avro',
    'field.name.adjustment.mode': 'avro',
    'decimal.handling.mode': 'string',
    'time.precision.mode': 'connect',
    'tombstones.on.delete': 'false',
    'skipped.operations': 'none',
    'table.include.list': SOURCE_TABLES.map((table) => `public.${table}`).join(','),
    'message.key.columns': ['enrollments', 'grades', 'activity_logs']
      .map((table) => `public.${table}:student_id`)
      .join(';'),
    'topic.creation.default.replication.factor': '1',
    'topic.creation.default.partitions': '3',
    'extended.headers.enabled': 'false',
    transforms: 'epoch',
    'transforms.epoch.type': 'org.apache.kafka.connect.transforms.InsertHeader',
    'transforms.epoch.header': 'prepadata.epoch',
    'transforms.epoch.value.literal': String(epoch),
    ...converter('key', world),
    ...converter('value', world),
  };
}

const converter = (side: string, { stack }: KafkaWorld): Record<string, string> => ({
  [`${side}.converter`]: 'io.apicurio.registry.utils.converter.AvroConverter',
  [`${side}.converter.apicurio.registry.url`]: stack.apicurioUrl,
  [`${side}.converter.apicurio.registry.auto-register`]: 'true',
  [`${side}.converter.apicurio.registry.find-latest`]: 'true',
  [`${side}.converter.apicurio.registry.as-confluent`]: 'true',
  [`${side}.converter.apicurio.registry.use-id`]: 'contentId',
  [`${side}.converter.apicurio.registry.headers.enabled`]: 'false',
});
