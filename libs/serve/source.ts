import { z } from 'zod';
import type { Reading } from '#libs/platform/metrics.ts';
import type { SourceStatus } from '#libs/source/contract.ts';
import { count, instant, isoInstant, known } from './answers.ts';

export const sourceAnswer = known(
  z
    .strictObject({
      state: z.enum(['starting', 'snapshot', 'streaming', 'waiting', 'stopped']),
      detail: z.string(),
      snapshot: known(z.strictObject({ rows: count, estimated_rows: count }), 'While an initial snapshot runs'),
      lag_bytes: known(count, 'Bytes of the log at the source that are not applied yet; null over Kafka'),
      lag_records: known(count, 'Records in the partitions read here that are not applied yet; null without Kafka'),
      slot: known(
        z.strictObject({
          name: z.string(),
          retained_bytes: count.meta({ description: "Log that the source's server keeps because of the slot" }),
          safe_bytes: known(
            count,
            'Log that may still be written before an unread slot is lost; null: no limit is set',
          ),
        }),
        'The replication slot; null before the source streams',
      ),
      heard_at: known(instant, 'When the source last heard from its server'),
    })
    .meta({ id: 'Source' }),
  'The source that the process reads; null where another process does',
);
export type SourceAnswer = z.output<typeof sourceAnswer>;

export const presentSource = (status: SourceStatus): NonNullable<SourceAnswer> => ({
  state: status.state,
  detail: status.detail,
  snapshot:
    status.snapshot === undefined
      ? null
      : { rows: status.snapshot.rows, estimated_rows: Math.max(0, Math.round(status.snapshot.estimatedRows)) },
  lag_bytes: status.lagBytes === null ? null : Number(status.lagBytes),
  lag_records: status.lagRecords == null ? null : Number(status.lagRecords),
  slot: presentSlot(status.slot),
  heard_at: isoInstant(status.heardAt),
});

const presentSlot = (slot: SourceStatus['slot']): NonNullable<SourceAnswer>['slot'] =>
  slot === undefined
    ? null
    : {
        name: slot.name,
        retained_bytes: Number(slot.retainedBytes),
        // Already beyond the limit counts as nothing left.
        safe_bytes: slot.safeBytes === null ? null : Math.max(0, Number(slot.safeBytes)),
      };

/** What a slot costs its server, as metrics; null: not known, or no limit. */
export const slotReadings = (slot: string, retained: number | null, safe: number | null): Reading[] => [
  ...(retained === null ? [] : [{ name: 'prepadata_slot_retained_bytes' as const, labels: { slot }, value: retained }]),
  ...(safe === null ? [] : [{ name: 'prepadata_slot_safe_bytes' as const, labels: { slot }, value: safe }]),
];
