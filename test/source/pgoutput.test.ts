import { createSourceDatabase } from '../support/database.ts';
import { describeSourceConformance } from './conformance.ts';
import { postgresWorld } from './postgres-world.ts';

describeSourceConformance('pgoutput', {
  open: async () => postgresWorld(await createSourceDatabase('conformance')),
  many: 5000,
  isOneStream: true,
});
