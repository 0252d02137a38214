import { formatLsn, parseLsn } from '#libs/domain/position.ts';
import { placeOfOffset } from '#libs/source/connect/offset.ts';
import type { StoredProgress } from '#libs/source/contract.ts';
import { type Origin, whyAnotherOrigin } from '#libs/source/postgres/signature.ts';
import type { SlotRow } from '#libs/source/postgres/slot.ts';
import { type ConnectorConfig, epochIn } from './config.ts';
import type { Connector } from './connect-api.ts';

/** Everything that decides whether the stored epoch can be carried on. */
export interface EpochFindings {
  readonly stored: StoredProgress | undefined;
  /** The slot of the stored epoch in this database. */
  readonly slot: SlotRow | undefined;
  readonly slotName: string;
  readonly origin: Origin;
  readonly walEnd: bigint;
  readonly connector: Connector | undefined;
  /** The configuration that the connector is to have. */
  readonly wanted: ConnectorConfig;
  /** A gap that a role noticed; see `readStreamGap`. */
  readonly gap: string | undefined;
}

/** If one of these is not set, more is sent, not less. */
const INCLUDING = ['schema.include.list', 'table.include.list', 'column.include.list'] as const;
/** The other settings that decide which changes are sent and in which form. Those that follow from an address or login do not. */
const DECIDING = [
  'publication.name',
  'schema.exclude.list',
  'table.exclude.list',
  'column.exclude.list',
  'skipped.operations',
  'transforms',
  'predicates',
  'decimal.handling.mode',
  'time.precision.mode',
  'unavailable.value.placeholder',
  'converters',
  'post.processors',
  'errors.tolerance',
  'event.processing.failure.handling.mode',
] as const;
/** Beginnings of settings that have more in their names: what some columns are written as. */
const DECIDING_FAMILIES = /^column\.(mask|truncate)\./;

/** Debezium's words. The last two it would say for ever: started again, it looks for the same place. */
const PLACE_GONE =
  /no longer available on the server|not present among LSNs seen in the location phase|WAL segment \S+ has already been removed/;

/**
 * Why the stored epoch cannot be carried on, as a sentence; undefined if it can.
 *
 * A missing slot ends its epoch, whether it was lost or never made: the two cannot be told apart, and making it now would
 * skip what was written before. So a slot is only ever made by the run that has just begun its epoch.
 */
export function reasonForConnectorEpoch(findings: EpochFindings): string | undefined {
  const { stored, slot, slotName: name, origin, gap } = findings;
  if (stored === undefined) return 'nothing was read from this source over Kafka before';
  const moved = whyAnotherOrigin(stored.origin, origin);
  if (moved !== undefined) return moved;
  if (slot === undefined) return `the replication slot ${name} is not there`;
  if (slot.plugin !== 'pgoutput') return `the replication slot ${name} belongs to the plugin ${slot.plugin}`;
  if (slot.wal_status === 'lost' || slot.conflicting === true || typeof slot.invalidation_reason === 'string') {
    return `the replication slot ${name} was invalidated (${slot.invalidation_reason ?? slot.wal_status ?? 'conflict'})`;
  }
  if (gap !== undefined) return `a gap was noticed in epoch ${stored.epoch}: ${gap}`;
  const altered = whatWasAltered(findings, stored.epoch);
  if (altered !== undefined) return altered;
  return whyNotFrom(findings, stored.epoch, slot);
}

/** A setting that somebody changed in Connect, so that changes were left out or written in another form meanwhile. */
function whatWasAltered({ connector, wanted }: EpochFindings, epoch: number): string | undefined {
  if (connector === undefined || epochIn(connector.config) !== epoch) return undefined;
  const { config } = connector;
  const name =
    INCLUDING.find((key) => config[key] !== undefined && config[key] !== wanted[key]) ??
    DECIDING.find((key) => config[key] !== wanted[key]) ??
    Object.keys(config).find((key) => DECIDING_FAMILIES.test(key));
  if (name === undefined) return undefined;
  return `somebody has set ${name} of the connector to ${config[name] ?? '(nothing)'}: changes may not have been sent, or not as they are to be`;
}

/** Whether Debezium's own place in the log still fits the slot and the log. */
function whyNotFrom({ connector, walEnd, slotName }: EpochFindings, epoch: number, slot: SlotRow): string | undefined {
  if (connector === undefined || epochIn(connector.config) !== epoch) return undefined;
  const { offset, failure, config } = connector;
  if (config['snapshot.mode'] !== 'no_data' || offset === undefined) return undefined;
  const place = placeOfOffset(offset);
  if (slot.confirmed_flush_lsn !== null && parseLsn(slot.confirmed_flush_lsn) > place) {
    return `a gap: the replication slot ${slotName} begins at ${slot.confirmed_flush_lsn}, Debezium has come to ${formatLsn(place)}`;
  }
  if (walEnd < place) {
    return `the source's log was set back: it ends at ${formatLsn(walEnd)}, Debezium has come to ${formatLsn(place)}`;
  }
  if (failure !== undefined && PLACE_GONE.test(failure.trace)) {
    return `Debezium no longer finds its place in the source's log: ${failure.reason}`;
  }
  return undefined;
}
