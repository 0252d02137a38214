import { messageOf } from '#libs/domain/errors.ts';
import { formatLsn } from '#libs/domain/position.ts';
import { shown } from '#libs/platform/http.ts';
import { type Database, placeOf } from '#libs/platform/postgres/database.ts';
import { DEBEZIUM_STREAM } from '#libs/source/contract.ts';
import { listSlots } from '#libs/source/pgoutput/index.ts';
import { describeSlot } from '#libs/source/postgres/slot.ts';
import { readConnectorReports } from '#libs/store/progress/connector.ts';
import { openProgressStore } from '#libs/store/progress/progress.ts';
import { epochIn } from './config.ts';
import { ConnectApi, type Connector } from './connect-api.ts';
import type { RegisterSettings } from './settings.ts';

/** The state of everything, in lines for a person; whatever does not answer gets a line, too. */
export async function showStatus(settings: RegisterSettings, db: Database, signal: AbortSignal): Promise<string[]> {
  const connect = new ConnectApi(settings.connect, settings.name, signal);
  const connector = await connect.read().then(describeConnector, (error: unknown) => messageOf(error));
  const stored = await openProgressStore(db).read(DEBEZIUM_STREAM);
  const slots = await listSlots(settings.source, settings.slotPrefix).then(
    (found) => found.map(describeSlot),
    (error: unknown) => [`  ${messageOf(error)}`],
  );
  const report = (await readConnectorReports(db)).find(({ name }) => name === settings.name);
  return [
    `Connector ${settings.name} in ${shown(settings.connect.url)}: ${connector}`,
    `Epoch: ${stored === undefined ? 'none was begun' : `${stored.epoch}, ${stored.phase}, of ${stored.origin}`}`,
    `Replication slots in ${placeOf(settings.source)}: ${slots.length === 0 ? 'none' : ''}`,
    ...slots,
    report === undefined
      ? 'Nobody has looked after it yet: npm run register -- --watch does.'
      : `Last looked after ${report.updated_at.toISOString()}: ${report.state}: ${report.detail} (restarts: ${report.restarts})`,
  ];
}

function describeConnector(connector: Connector | undefined): string {
  if (connector === undefined) return 'none; npm run register makes it';
  const { state, task, config, offset, failure } = connector;
  const place = offset?.lsn === undefined ? 'nowhere yet' : formatLsn(offset.lsn);
  const lines = [
    `${state}, task ${task ?? 'none'}, epoch ${epochIn(config) ?? 'unknown'}, ${config['snapshot.mode']}, at ${place}`,
  ];
  if (failure !== undefined) lines.push(`  it says: ${failure.reason}`);
  return lines.join('\n');
}
