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
  readSlots,
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
 * The steps from nothing to a connector that streams. Each can be the last before a crash: the next run looks at what is
 * there and goes on from it (see `inspect.ts`).
 *
 * What is true of Debezium 3.6.3, seen on it and read in it:
 * - `snapshot.mode=initial` on a slot that exists reads the tables without the slot's snapshot, and then streams from
 *   where the log ended when that reading began. What had committed in the log and was not yet visible then is in
 *   neither. A snapshot that is interrupted begins again, and streams from where the log ends at the second beginning:
 *   what happened to a row between the two is never told. So the tables are read with `initial_only`, which does not
 *   touch the slot, and then the slot is followed from its own beginning: that is put down as the connector's offset,
 *   and `no_data` goes on from there. Every change since the slot was made comes, however often the reading began anew.
 * - With an offset whose slot is gone the task fails ("no longer available on the server"); without an offset it would
 *   make a slot of that name without a word. So there always is an offset when `no_data` runs.
 * - An offset with `snapshot` in it is a snapshot under way; the last one, sent as a heartbeat, has none.
 * - Incremental snapshots buffer rows by message key: of the rows of one student in a chunk one arrives, and the others
 *   never do. Snapshots by signal are therefore of the type `blocking`.
 * - By default a task that fails is begun again inside Debezium, for ever, and Connect shows it as RUNNING all the while.
 *   So `errors.max.retries` is 3, after which it shows as FAILED; and only a slot that is read counts as streaming.
 * - The offset survives the connector's deletion in Connect, and counts for the next one of that name.
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
  /** What is under way, when it may take long. */
  readonly say: (sentence: string) => void;
}

/**
 * Begins a new epoch, up to its slot: the epoch's number is durable before anything can bear it.
 * @param slots all of our names on this server; an unread slot keeps the server's log for ever
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
  // A connector that runs reads the old slot, which could not be dropped.
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
 * Waits until nobody reads a slot of ours. The server takes a moment to notice that a connector has stopped.
 * @throws Waiting when somebody goes on reading: a connector of another Kafka Connect, perhaps
 */
async function untilUnread({ settings, control, signal }: ConnectorContext): Promise<void> {
  for (const until = Date.now() + UNREAD_MS; ; await pause(100, signal)) {
    const slots = await readSlots(control, settings.slotPrefix);
    const read = slots.find((slot) => slot.database === settings.source.database && slot.active_pid !== null);
    if (read === undefined) return;
    if (Date.now() < until) continue;
    throw new Waiting(
      `the replication slot ${read.slot_name}, which is to go, is being read by somebody else (server process ${read.active_pid})`,
    );
  }
}

/** Gives the connector the configuration of the epoch's initial snapshot, and no memory of another epoch. */
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
 * Waits until every transaction that is open at this moment has ended. One may be written in the log before the slot's
 * beginning, and so not be sent, and still not be visible, for as long as the server waits for its standbys.
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

/** From the initial snapshot to the slot: everything since the slot was made is sent, whatever the reading saw of it. */
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

/** Puts the configuration if it differs, and tells what does. */
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

/** What Connect refuses while the source answers us is for a person to fix. */
async function tellingRefusal({ control, settings }: ConnectorContext, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof ConnectRefusal)) throw error;
    await control.query('SELECT 1');
    throw explainRefusal(error, settings);
  }
}
