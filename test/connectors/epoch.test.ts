import { describe, expect, test } from 'vitest';
import type { StoredOffset } from '#libs/source/connect/offset.ts';
import type { StoredProgress } from '#libs/source/contract.ts';
import type { SlotRow } from '#libs/source/postgres/slot.ts';
import type { Connector } from '../../services/register/connect-api.ts';
import { type EpochFindings, reasonForConnectorEpoch } from '../../services/register/epoch.ts';

const stored: StoredProgress = {
  stream: 'debezium',
  epoch: 3,
  applied: 0n,
  phase: 'streaming',
  origin: '77/1/lms/print',
};
const slot: SlotRow = {
  slot_name: 'prepadata_debezium_3',
  plugin: 'pgoutput',
  database: 'lms',
  active_pid: 1,
  restart_lsn: '0/100',
  confirmed_flush_lsn: '0/200',
  safe_wal_size: null,
  wal_status: 'reserved',
};
const SKIPPING = { 'event.processing.failure.handling.mode': 'skip' };
const wanted = { 'table.include.list': 'public.grades', 'skipped.operations': 'none', transforms: 'epoch' };
const connectorAt = (offset: StoredOffset, mode = 'no_data', epoch = '3', trace?: string): Connector => ({
  config: { ...wanted, 'snapshot.mode': mode, 'transforms.epoch.value.literal': epoch },
  state: 'RUNNING',
  task: trace === undefined ? 'RUNNING' : 'FAILED',
  failure: trace === undefined ? undefined : { reason: 'it failed', trace },
  offset,
});
const fine: EpochFindings = {
  stored,
  slot,
  slotName: 'prepadata_debezium_3',
  origin: { identity: '77/1/lms', signature: 'print' },
  walEnd: 0x300n,
  connector: connectorAt({ lsn: 0x250n, lsn_proc: 0x250n, lsn_commit: 0x200n }),
  wanted,
  gap: undefined,
};
const connectorWith = (settings: Readonly<Record<string, string>>, epoch = '3'): Connector => {
  const connector = connectorAt({ lsn: 0x250n }, 'no_data', epoch);
  return { ...connector, config: { ...connector.config, ...settings } };
};

describe('an epoch goes on', () => {
  test('when all is as it was', () => {
    expect(reasonForConnectorEpoch(fine)).toBeUndefined();
  });

  test.each([
    ['the connector is not made yet', { connector: undefined }],
    ['the connector is still of another epoch', { connector: connectorAt({ lsn: 0n }, 'no_data', '2') }],
    ['the tables are being read', { connector: connectorAt({ lsn: 0x10n, snapshot: 'INITIAL' }, 'initial_only') }],
    ['something is set that decides nothing', { connector: connectorWith({ 'poll.interval.ms': '77' }) }],
    [
      'the columns are not named, so that more is sent',
      { wanted: { ...wanted, 'column.include.list': 'public.grades.id' } },
    ],
    ['one of another epoch leaves changes out', { connector: connectorWith({ 'skipped.operations': 'd' }, '2') }],
    ['the slot is followed from its beginning', { connector: connectorAt({ lsn: 0x200n }) }],
  ])('when %s', (_, changed) => {
    expect(reasonForConnectorEpoch({ ...fine, ...changed })).toBeUndefined();
  });
});

describe('a new one begins', () => {
  test.each<[string, Partial<EpochFindings>]>([
    ['nothing was read', { stored: undefined }],
    ['another server', { origin: { identity: '78/1/lms', signature: 'print' } }],
    ['another server', { origin: { identity: '77/2/lms', signature: 'print' } }],
    ['made anew', { origin: { identity: '77/1/lms', signature: 'other' } }],
    ['is not there', { slot: undefined }],
    ['belongs to the plugin test_decoding', { slot: { ...slot, plugin: 'test_decoding' } }],
    ['invalidated (lost)', { slot: { ...slot, wal_status: 'lost' } }],
    ['invalidated (wal_removed)', { slot: { ...slot, invalidation_reason: 'wal_removed' } }],
    ['offset 7 is below', { gap: 'lms.public.grades/0: offset 7 is below the beginning' }],
    ['set table.include.list of', { connector: connectorWith({ 'table.include.list': 'public.students' }) }],
    ['set skipped.operations of', { connector: connectorWith({ 'skipped.operations': 'd' }) }],
    ['set errors.tolerance of', { connector: connectorWith({ 'errors.tolerance': 'all' }) }],
    ['set event.processing.failure.handling.mode of', { connector: connectorWith(SKIPPING) }],
    [
      'set column.mask.with.3.chars of',
      { connector: connectorWith({ 'column.mask.with.3.chars': 'public.grades.id' }) },
    ],
    ['set table.exclude.list of', { connector: connectorWith({ 'table.exclude.list': 'public.grades' }) }],
    ['set transforms of', { connector: connectorWith({ transforms: 'epoch,filter' }) }],
    ['a gap: the replication slot', { slot: { ...slot, confirmed_flush_lsn: '0/251' } }],
    ['was set back', { walEnd: 0x24fn }],
    [
      'no longer finds its place',
      { connector: connectorAt({ lsn: 0x250n }, 'no_data', '3', 'X: this is no longer available on the server.') },
    ],
    [
      'no longer finds its place',
      {
        connector: connectorAt(
          { lsn: 0x250n },
          'no_data',
          '3',
          `io.debezium.DebeziumException: Message with LSN 'LSN{0/251}' not present among LSNs seen in the location phase '[]'.`,
        ),
      },
    ],
  ])('because of: %s', (words, changed) => {
    expect(reasonForConnectorEpoch({ ...fine, ...changed })).toContain(words);
  });
});
