import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { MemoryProgress } from './world.ts';

/* A reader as a separate process, so that it can be frozen. It says when it follows the log. */

const { READER_ADDRESS = '{}', READER_SLOT = '', READER_FROZEN_AFTER = '' } = process.env;
pgoutputSource({
  address: JSON.parse(READER_ADDRESS) as DatabaseAddress,
  progress: new MemoryProgress(),
  slotPrefix: READER_SLOT,
  frozenAfter: Number(READER_FROZEN_AFTER),
  onStatus: ({ state }) => process.stdout.write(`${state}\n`),
})
  .deliveries()
  .subscribe(({ done }) => done());
