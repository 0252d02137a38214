import { createSourceDatabase } from '../support/database.ts';
import { describeSourceConformance } from './conformance.ts';
import { kafkaWorld } from './kafka-world.ts';

describeSourceConformance('Kafka, by Debezium', {
  open: async () => kafkaWorld(await createSourceDatabase('kafka')),
  many: 2000,
  isOneStream: false,
});
