import { spawn } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { addStudents, agreed, gate, one, open, streaming, useReaders, world } from './readers.ts';
import { eventually } from './stage.ts';

useReaders();

describe('a second reader', () => {
  test('waits as standby, says for whom, and takes over without reading anew', async () => {
    const first = open();
    await streaming(first.source);
    const second = open();
    await eventually(() => second.source.status().state).toBe('waiting');
    const pid = await one<number>(
      `SELECT active_pid AS value FROM pg_replication_slots WHERE slot_name = '${world.slotPrefix}_1'`,
    );
    await eventually(() => second.source.status().detail).toBe(
      `another process reads slot ${world.slotPrefix}_1 (pid ${pid}); waiting as standby. A second installation on the same source needs its own SOURCE_SLOT`,
    );
    await addStudents();
    await agreed();
    expect(second.reader.deliveries).toEqual([]);
    first.reader.stop();
    await streaming(second.source);
    await addStudents();
    await agreed();
    expect(world.progress.reasons.length).toBe(1);
  });

  test('waits during an initial snapshot as well', async () => {
    const hold = gate();
    await addStudents(5);
    const first = open({}, async () => {
      await hold.wait;
      return 'done' as const;
    });
    await eventually(() => first.reader.deliveries.length).toBe(1);
    const second = open();
    await eventually(() => second.source.status().detail).toMatch(/another process reads slot .*waiting as standby/);
    hold.open();
    await streaming(first.source);
    expect(second.reader.deliveries).toEqual([]);
    expect(world.progress.reasons.length).toBe(1);
  });
});

test('a reader whose process is frozen leaves the slot to another', async () => {
  const { address } = world.database;
  await world.database.db.query(`ALTER DATABASE "${address.database}" SET wal_sender_timeout = '2s'`);
  const child = spawn(process.execPath, ['libs/platform/launch.mjs', 'test/source/reader-child.ts'], {
    env: {
      ...process.env,
      READER_ADDRESS: JSON.stringify(address),
      READER_SLOT: world.slotPrefix,
      READER_FROZEN_AFTER: '6000',
    },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  try {
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await eventually(() => said).toMatch(/streaming/);
    child.kill('SIGSTOP');
    const { source } = open();
    await eventually(() => source.status().detail).toMatch(/waiting as standby/);
    await streaming(source);
    child.kill('SIGCONT');
    await addStudents();
    await agreed();
    await eventually(() => said).toMatch(/streaming\n(starting\n|waiting\n)+$/);
  } finally {
    child.kill('SIGKILL');
  }
});

test('a reader whose batch is not staged leaves the slot to another, and stands by once it is', async () => {
  const hold = gate();
  const first = open({ stuckAfter: 500 }, async (batch) => {
    if (batch.changes[0]?.op === 'create') await hold.wait;
    return 'done' as const;
  });
  await streaming(first.source);
  const second = open();
  await eventually(() => second.source.status().detail).toMatch(/waiting as standby/);
  await addStudents();
  await streaming(second.source);
  expect(first.source.status().detail).toMatch(/any other process may read meanwhile; the batch under way ends first$/);
  await agreed();
  hold.open();
  await eventually(() => first.source.status().detail).toMatch(/waiting as standby/);
  await addStudents();
  await agreed();
  expect(world.progress.reasons.length).toBe(1);
});
