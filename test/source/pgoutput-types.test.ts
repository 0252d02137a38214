import { describe, expect, test } from 'vitest';
import type { ColumnKind } from '#libs/domain/source-tables/declaration.ts';
import { SOURCE_TYPES } from '#libs/source/types.ts';
import {
  createLayout,
  expectUnsent,
  imagesOf,
  LAYOUTS,
  triedTypes,
  writeOutOfLine,
  writeValues,
} from './column-variants.ts';
import { postgresWorld } from './postgres-world.ts';
import { eventually } from './stage.ts';
import { Reader, Replica } from './world.ts';

test.for(Object.keys(SOURCE_TYPES) as ColumnKind[])('every type that a column for %s may have is tried', (kind) => {
  expect(triedTypes(kind)).toEqual(new Set(SOURCE_TYPES[kind]));
});

describe('read by pgoutput, values are as they were written, in the initial snapshot and in the stream', () => {
  test.for(LAYOUTS)('$name', async (layout) => {
    const world = postgresWorld(await createLayout(layout));
    const source = world.source();
    const reader = new Reader(world, new Replica());
    try {
      const early = await writeValues(world.database, layout);
      reader.start(source);
      await eventually(() => reader.error ?? source.status().state).toBe('streaming');
      const late = await writeValues(world.database, layout);
      const long = await writeOutOfLine(world.database, layout);
      await eventually(() => reader.error ?? reader.changes.length).toBe(early.size + late.size + 2);
      expect(imagesOf(reader, early)).toEqual(early);
      expect(imagesOf(reader, late)).toEqual(late);
      expectUnsent(reader, long);
    } finally {
      reader.stop();
      await world.close();
    }
  });
});
