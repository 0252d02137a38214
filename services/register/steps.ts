import type pg from 'pg';
import { parseLsn } from '#libs/domain/position.ts';
import type { Database } from '#libs/platform/postgres/database.ts';
import { pause } from '#libs/platform/retry.ts';
import { ConnectRefusal } from '#libs/source/connect/http.ts';
import { DEBEZIUM_STREAM } from '#libs/source/contract.ts';
import { sayingWhoBlocks } from '#libs/source/postgres/blockers.ts';
import { Waiting } from '#libs/source/postgres/faults.ts';
import {
  dropSlots,
  makingSlot,
  readOwnSlots,
  refuseForeign,
  requireLimit,
  type SlotRow,
} from '#libs/source/postgres/slot.ts';
import { advanceProgress, openProgressStore } from '#libs/store/progress/progress.ts';
import { type ConnectorConfig, describeDifferences } from './config.ts';
import type { ConnectApi, Connector } from './connect-api.ts';
import { explainRefusal } from './refusals.ts';
import { type RegisterSettings, slotOf, wantedConfig } from './settings.ts';

/*
 * The steps from nothing to a connector that streams. A crash may follow any of them: the next run looks at what is there
 * and goes on from it (see `inspect.ts`).
 *
 * Facts about Debezium 3.6.3, from its behaviour and its code:
 * - `snapshot.mode=initial` on an existing slot reads the tables without the slot's snapshot, and then streams from where
 *   the log ended when that reading began. A transaction that had committed in the log but was not yet visible is in
 *   neither. An interrupted snapshot begins again, and streams from where the log ends at the second beginning: changes
 *   between the two are lost. So the tables are read with `initial_only`, which does not touch the slot; then the slot's
 *   own beginning is stored as the connector's offset, and `no_data` goes on from there. Every change since the slot was
 *   made arrives, however often the reading began again.
 * - With an offset whose slot is gone the task fails ("no longer available on the server"); without an offset it would
 *   silently make a slot of that name. So there is always an offset when `no_data` runs.
 * - An offset with `snapshot` in it means that a snapshot is running; the last one, sent as a heartbeat, has none.
 * - Incremental snapshots buffer rows by message key: of one student's rows in a chunk only one arrives. So snapshots by
 *   signal are of the type `blocking`.
 * - By default Debezium restarts a failing task by itself, for ever, and Connect shows it as RUNNING all the while. So
 *   `errors.max.retries` is 3, after which it shows as FAILED; and only a slot that is being read counts as streaming.
 * - The offset survives the connector's deletion in Connect, and is used by the next one of that name.
 */

const UNREAD_MS = 5_000;

/** What the steps work with. */
export interface ConnectorContext {
  readonly settings: RegisterSettings;
  readonly connect: ConnectApi;
  readonly db: Database;
  /** An open connection to the source database. */
  readonly control: pg.Client;
  readonly signal: AbortSignal;
  /** One line for a person. */
  readonly tell: (line: string) => void;
  /** Told what is going on when it may take long. */
  readonly say: (sentence: string) => void;
}

/**
 * Begins a new epoch and makes its slot. The epoch's number is durable before anything can carry it.
 * @param slots all with our names on this server; old ones are dropped, since an unread slot keeps the log for ever
 */
export async function beginConnectorEpoch(
  context: ConnectorContext,
  origin: string,
  reason: string,
  slots: readonly SlotRow[],
  connector: Connector | undefined,
): Promise<void> {
  const { settings, control } = context;
  if (settings.slotLimit === 'required') await requireLimit(control);
  // A running connector reads the old slot, which then cannot be dropped.
  if (connector !== undefined && connector.state !== 'STOPPED') await context.connect.stop();
  await untilUnread(context);
  const epoch = await openProgressStore(context.db).beginEpoch(DEBEZIUM_STREAM, origin, reason);
  context.tell(`epoch ${epoch} begins: ${reason}`);
  const slot = slotOf(settings, epoch);
  refuseForeign(slots, slot, settings.source.database);
  await dropSlots(
    control,
    slots.filter((old) => old.database === settings.source.database),
  );
  const making = `making the replication slot ${slot}; the server waits`;
  context.say(`${making} until all transactions that write now have ended`);
  await sayingWhoBlocks(
    settings.source,
    control,
    (whom) => context.say(`${making} for ${whom}`),
    () => makingSlot(control.query(`SELECT pg_create_logical_replication_slot($1, 'pgoutput')`, [slot])),
  );
  context.tell(`made the replication slot ${slot}`);
}

/**
 * Waits until nobody reads a slot of ours: the server takes a moment to notice that a connector has stopped.
 * @throws Waiting if somebody goes on reading, perhaps a connector of another Kafka Connect
 */
async function untilUnread({ settings, control, signal }: ConnectorContext): Promise<void> {
  for (const until = Date.now() + UNREAD_MS; ; await pause(100, signal)) {
    const slots = await readOwnSlots(control, settings.slotPrefix, settings.source.database);
    const read = slots.find((slot) => slot.active_pid !== null);
    if (read === undefined) return;
    if (Date.now() < until) continue;
    throw new Waiting(
      `the replication slot ${read.slot_name}, which is to go, is being read by somebody else (server process ${read.active_pid})`,
    );
  }
}

/** Configures the connector for the epoch's initial snapshot, and resets its offset. */
export async function prepareReading(
  context: ConnectorContext,
  epoch: number,
  connector: Connector | undefined,
): Promise<void> {
  const wanted = wantedConfig(context.settings, epoch, 'initial_only');
  await untilWritersEnd(context);
  if (connector === undefined) {
    await tellingRefusal(context, () => context.connect.create(wanted));
    context.tell(`made the connector ${context.settings.name}, which sends epoch ${epoch}`);
  } else if (connector.state !== 'STOPPED') {
    await context.connect.stop();
  }
  await context.connect.resetOffset();
  if (connector !== undefined) await configure(context, connector.config, wanted);
}

/**
 * Waits until every transaction that is open now has ended. One may have committed in the log before the slot's beginning,
 * and so not be sent, yet stay invisible to readers while the server waits for its standbys.
 */
async function untilWritersEnd({ control, signal, say }: ConnectorContext): Promise<void> {
  const { rows } = await control.query<{ end: string }>('SELECT pg_snapshot_xmax(pg_current_snapshot())::text AS end');
  const end = rows[0]?.end ?? '0';
  for (;;) {
    const answer = await control.query<{ ended: boolean }>(
      'SELECT pg_snapshot_xmin(pg_current_snapshot()) >= $1::xid8 AS ended',
      [end],
    );
    if (answer.rows[0]?.ended === true) return;
    say('waiting until all transactions that write at the source have ended; then its tables are read');
    await pause(200, signal);
  }
}

/** Switches from the initial snapshot to the slot: every change since the slot was made is sent, even if already read. */
export async function beginStreaming(
  context: ConnectorContext,
  epoch: number,
  connector: Connector,
  slot: SlotRow,
): Promise<void> {
  if (connector.state !== 'STOPPED') await context.connect.stop();
  const begin = parseLsn(slot.confirmed_flush_lsn ?? '0/0');
  await context.connect.setOffset(begin);
  await configure(context, connector.config, wantedConfig(context.settings, epoch, 'no_data'));
  await advanceProgress(context.db, { stream: DEBEZIUM_STREAM, epoch, applied: begin }, true, null);
  context.tell(`epoch ${epoch}: the initial snapshot is in the topics; the connector follows ${slot.slot_name}`);
}

/** Changes the configuration if it differs, and tells how. @returns whether it differed */
export async function configure(
  context: ConnectorContext,
  present: ConnectorConfig,
  wanted: ConnectorConfig,
): Promise<boolean> {
  const differences = describeDifferences(present, wanted);
  if (differences.length === 0) return false;
  await tellingRefusal(context, () => context.connect.configure(wanted));
  context.tell(`changed the connector ${context.settings.name}:`);
  for (const difference of differences) context.tell(`  ${difference}`);
  return true;
}

/** If Connect refuses something although the source answers us, a person has to fix it. */
async function tellingRefusal({ control, settings }: ConnectorContext, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ConnectRefusal)) throw error;
    await control.query('SELECT 1');
    throw explainRefusal(error, settings);
  }
}
