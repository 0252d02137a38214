import { describe, expect, test } from 'vitest';
import { createSourceDatabase } from '../support/database.ts';
import { createLayout, expectUnsent, imagesOf, LAYOUTS, writeOutOfLine, writeValues } from './column-variants.ts';
import { kafkaWorld } from './kafka-world.ts';
import { eventually } from './stage.ts';
import { Reader, Replica } from './world.ts';

describe('by Debezium and Kafka, values are as pgoutput-types.test.ts has them', () => {
  test.for(LAYOUTS)('$name', async (layout) => {
    const world = kafkaWorld(await createLayout(layout));
    const reader = new Reader(world, new Replica());
    try {
      const early = await writeValues(world.database, layout);
      reader.start(world.source());
      await eventually(() => reader.error ?? imagesOf(reader, early).size).toBe(early.size);
      const late = await writeValues(world.database, layout);
      const long = await writeOutOfLine(world.database, layout);
      await eventually(() => reader.error ?? reader.changes.length).toBe(early.size + late.size + 2);
      expect(reader.deliveries.flatMap((batch) => batch.undecodable ?? [])).toEqual([]);
      expect(imagesOf(reader, early)).toEqual(early);
      expect(imagesOf(reader, late)).toEqual(late);
      expectUnsent(reader, long);
    } finally {
      reader.stop();
      await world.close();
    }
  });
});

test('on a database with a domain over an enum, Debezium does not start at all: registering refuses it', async () => {
  const world = kafkaWorld(await createSourceDatabase('types'));
  try {
    await world.database.db.query(
      `CREATE TYPE mood AS ENUM ('sad'); CREATE SCHEMA other; CREATE DOMAIN other.moody AS mood`,
    );
    await expect(world.connect()).rejects.toThrow(/the connector failed: .*NullPointerException[\s\S]*TypeRegistry/);
  } finally {
    await world.close();
  }
});
