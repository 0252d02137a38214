import { DEBEZIUM_STREAM } from '#libs/source/contract.ts';
import { Waiting } from '#libs/source/postgres/faults.ts';
import { readNow } from '#libs/source/postgres/server.ts';
import { type Origin, originText } from '#libs/source/postgres/signature.ts';
import { costOf, dropSlots, readSlots, type SlotRow } from '#libs/source/postgres/slot.ts';
import { readStreamGap } from '#libs/store/progress/connector.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { epochIn } from './config.ts';
import type { Connector } from './connect-api.ts';
import { reasonForConnectorEpoch } from './epoch.ts';
import type { Restarts } from './restarts.ts';
import { slotOf, wantedConfig } from './settings.ts';
import type { Situation } from './situation.ts';
import type { SlotReader } from './slot-reader.ts';
import { beginConnectorEpoch, beginStreaming, type ConnectorContext, configure, prepareReading } from './steps.ts';

/** What is remembered from one look to the next. */
export interface ConnectorMemory {
  readonly restarts: Restarts;
  readonly slotReader: SlotReader;
}

interface Scene {
  readonly epoch: number;
  readonly slot: SlotRow;
  readonly connector: Connector;
  readonly situation: (state: Situation['state'], detail: string) => Situation;
}

/**
 * Looks at everything and takes the next step.
 * @param forced why a new epoch is wanted even if the present one could be carried on
 * @returns undefined if a step was taken and the next look is due at once; otherwise how things stand
 */
export async function inspectOnce(
  context: ConnectorContext,
  origin: Origin,
  memory: ConnectorMemory,
  forced?: string,
): Promise<Situation | undefined> {
  const { settings, control, db } = context;
  const stored = await openProgressStore(db).read(DEBEZIUM_STREAM);
  const name = slotOf(settings, stored?.epoch ?? 0);
  // Read the slot before the offset: an offset is stored before the slot confirms it, so this order shows no false gap.
  const all = await readSlots(control, settings.slotPrefix);
  const ours = all.filter((slot) => slot.database === settings.source.database);
  const slot = ours.find((candidate) => candidate.slot_name === name);
  const connector = await context.connect.read().catch(orWaiting);
  // Read the log's end after the offset: under load Debezium would soon be beyond an end that was read before.
  const { walEnd } = await readNow(control);
  if (connector instanceof Waiting) {
    // While Connect is away, what matters is how much log the slot keeps.
    const cost = slot === undefined ? undefined : costOf(slot, walEnd);
    return { state: 'waiting', detail: connector.message, epoch: stored?.epoch ?? null, slot: cost };
  }
  const gap = stored === undefined ? undefined : await readStreamGap(db, stored.epoch);
  const wanted = wantedConfig(settings, stored?.epoch ?? 0, 'no_data');
  const reason =
    forced ?? reasonForConnectorEpoch({ stored, slot, slotName: name, origin, walEnd, connector, wanted, gap });
  if (reason !== undefined || stored === undefined || slot === undefined) {
    await beginConnectorEpoch(context, originText(origin), reason ?? 'there is nothing to carry on', all, connector);
    return undefined;
  }
  if (stored.origin !== originText(origin))
    await openProgressStore(db).noteOrigin(DEBEZIUM_STREAM, stored.epoch, originText(origin));
  await dropSlots(
    control,
    ours.filter((other) => other.slot_name !== name && other.active_pid === null),
  );
  const { epoch } = stored;
  if (connector === undefined || epochIn(connector.config) !== epoch || connector.config['slot.name'] !== name) {
    await prepareReading(context, epoch, connector);
    return undefined;
  }
  const cost = costOf(slot, walEnd);
  return carryOn(context, memory, {
    epoch,
    slot,
    connector,
    situation: (state, detail) => ({ state, detail, epoch, slot: cost }),
  });
}

function orWaiting(error: unknown): Waiting {
  if (error instanceof Waiting) return error;
  throw error;
}

/** The connector belongs to this epoch: it reads the tables or follows the slot. */
async function carryOn(
  context: ConnectorContext,
  { restarts, slotReader }: ConnectorMemory,
  scene: Scene,
): Promise<Situation | undefined> {
  const { epoch, connector, situation } = scene;
  const streams = connector.config['snapshot.mode'] === 'no_data';
  const hasRead = connector.offset !== undefined && !isReading(connector);
  if (streams ? connector.offset === undefined : hasRead) {
    await beginStreaming(context, epoch, connector, scene.slot);
    return undefined;
  }
  if (streams && connector.offset !== undefined)
    await slotReader.look(context.db, epoch, scene.slot.active_pid, connector.offset);
  if (
    await configure(
      context,
      connector.config,
      wantedConfig(context.settings, epoch, streams ? 'no_data' : 'initial_only'),
    )
  )
    return undefined;
  if (connector.state === 'STOPPED') {
    await context.connect.resume();
    return undefined;
  }
  if (connector.state === 'PAUSED') {
    return situation(
      'paused',
      `somebody has paused the connector ${context.settings.name} in Kafka Connect; resume it there`,
    );
  }
  if (connector.state === 'FAILED' || connector.task === 'FAILED') {
    const reason = connector.failure?.reason ?? 'Kafka Connect does not say why';
    return situation('failed', await restarts.onFailure(context, reason));
  }
  if (connector.task !== 'RUNNING') {
    return situation('waiting', `Kafka Connect is starting the connector ${context.settings.name}`);
  }
  if (streams && scene.slot.active_pid === null) {
    return situation('waiting', `the task of the connector ${context.settings.name} runs and does not read its slot`);
  }
  restarts.onRunning();
  return streams
    ? situation('streaming', `following ${scene.slot.slot_name}`)
    : situation('snapshot', `reading the tables of the source for epoch ${epoch}`);
}

const isReading = ({ offset }: Connector): boolean => offset?.snapshot !== undefined && offset.snapshot !== false;
