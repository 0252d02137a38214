import { expect, test } from 'vitest';
import { UnrecoverableError } from '#libs/domain/errors.ts';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import type { IncomingRecord } from '#libs/platform/kafka/contract.ts';
import { RegistryFault, type SchemaRegistry, Undecodable } from '#libs/platform/registry/contract.ts';
import { MAX_PAYLOAD } from '#libs/source/contract.ts';
import { EPOCH_HEADER, type RecordReader, readRecord } from '#libs/source/kafka/record.ts';

const ID = '8d209dcb-6f0d-43ba-9a21-4f7d29afc95f';
const place = { topic: 'lms.public.students', partition: 2 };
const source = { table: 'students', lsn: 5, txId: 1, ts_ms: 9 };
const insert = { op: 'c', after: { id: ID, firstname: 'Ada', lastname: null }, source };

function readerOf(answer: unknown, newestEpoch = 3): RecordReader {
  const registry: SchemaRegistry = {
    register: async () => 1,
    decode: async () => {
      if (answer instanceof Error) throw answer;
      return answer;
    },
  };
  return {
    table: sourceNames().of('students'),
    registry,
    newestEpoch: async () => newestEpoch,
  };
}

const record = (epoch: string | undefined, value: Buffer | null = Buffer.from('bytes')): IncomingRecord => ({
  offset: 41n,
  key: null,
  value,
  headers: epoch === undefined ? {} : { [EPOCH_HEADER]: Buffer.from(epoch) },
});

test.each(['3', '"3"'])('the epoch is the header, written %s', async (header) => {
  const item = await readRecord(record(header), place, readerOf(insert));
  expect(item.changes).toMatchObject([{ op: 'create', id: ID, position: { epoch: 3, lsn: 5n } }]);
});

test.each([undefined, '', 'three', '0', '-1', '3.5', '1234567890'])(
  'the header %s is none, and ends the source',
  async (header) => {
    const failure = readRecord(record(header), place, readerOf(insert));
    await expect(failure).rejects.toThrow(UnrecoverableError);
    await expect(failure).rejects.toThrow(/lms\.public\.students:2:41 has no header prepadata\.epoch/);
  },
);

test('a tombstone is nothing, whatever its header', async () => {
  expect(await readRecord(record(undefined, null), place, readerOf(insert))).toEqual({ offset: 41n, changes: [] });
});

test('bytes that cannot be read are rejected with their place, and with as much of them as is of use', async () => {
  const value = Buffer.alloc(20_000, 7);
  const item = await readRecord(record(undefined, value), place, readerOf(new Undecodable('no magic byte')));
  expect(item).toMatchObject({
    offset: 41n,
    changes: [],
    undecodable: {
      origin: 'lms.public.students:2:41',
      table: 'students',
      position: { epoch: 0, lsn: 0n },
      reason: 'undecodable',
    },
  });
  expect(item.undecodable?.payload).toMatch(/^no magic byte; base64: BwcH/);
  expect(item.undecodable?.payload.length).toBe(MAX_PAYLOAD);
});

test('a record that says nothing we understand is rejected as such', async () => {
  const item = await readRecord(record('3'), place, readerOf({ ...insert, op: 'z', more: 1n << 60n }));
  expect(item.undecodable).toMatchObject({ reason: 'malformed_record', position: { epoch: 3, lsn: 0n } });
  expect(item.undecodable?.payload).toContain('"more":"1152921504606846976"');
});

test('a registry that does not answer is no reason to reject', async () => {
  await expect(readRecord(record('3'), place, readerOf(new RegistryFault('away')))).rejects.toThrow(RegistryFault);
});

test('a column that is gone ends the source, but not for a row that a newer epoch has read since', async () => {
  const without = { ...insert, after: {} };
  const failure = readRecord(record('3'), place, readerOf(without));
  await expect(failure).rejects.toThrow(UnrecoverableError);
  await expect(failure).rejects.toThrow(/source table students no longer has the column id/);
  const later = await readRecord(record('3'), place, readerOf(without, 4));
  expect(later.undecodable).toMatchObject({ reason: 'malformed_record' });
});
