import { expect, test } from 'vitest';
import { createSourceDatabase } from '../support/database.ts';
import { postgresWorld } from './postgres-world.ts';
import { eventually } from './stage.ts';
import { Reader, Replica } from './world.ts';

test('rows of an initial snapshot with long texts come in pieces that memory can hold', async () => {
  const world = postgresWorld(await createSourceDatabase('large'));
  const reader = new Reader(world, new Replica());
  try {
    await world.database.db.query(
      `INSERT INTO activity_logs (activity_type, timestamp, metadata)
       SELECT 'view', now()::timestamp, jsonb_build_object('n', n, 'text', repeat('x', 1000000)) FROM generate_series(1, 40) AS n`,
    );
    const source = world.source({ maxBatch: 10_000 });
    reader.start(source);
    await eventually(() => reader.error ?? source.status().state).toBe('streaming');
    const pieces = reader.deliveries.map(({ changes }) => changes.length).filter((length) => length > 0);
    expect(pieces).toEqual([17, 17, 6]);
  } finally {
    reader.stop();
    await world.close();
  }
});
