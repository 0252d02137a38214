import { type Database, placeOf } from '#libs/platform/postgres/database.ts';
import { sortFailure } from '#libs/source/postgres/faults.ts';
import { dropSlots, readOwnSlots } from '#libs/source/postgres/slot.ts';
import { removeConnectorReport } from '#libs/store/progress/connector.ts';
import { ConnectApi } from './connect-api.ts';
import { dropOwnTables, OWN_TABLES } from './own-tables.ts';
import { acquireConnectorLock } from './session.ts';
import type { RegisterSettings } from './settings.ts';

export interface DropOptions {
  readonly settings: RegisterSettings;
  readonly db: Database;
  readonly signal: AbortSignal;
  readonly tell: (line: string) => void;
}

const TIMEOUT = 5_000;

/**
 * Removes what registering made: first the connector, which would otherwise make a slot again; then its slots; then the
 * tables. The publication stays, and so does all that was read.
 * @throws ConfigurationError while another process looks after the connector
 */
export async function dropEverything({ settings, db, signal, tell }: DropOptions): Promise<void> {
  const where = placeOf(settings.source);
  try {
    const session = await acquireConnectorLock(settings, signal, TIMEOUT, tell);
    try {
      await dropConnector(new ConnectApi(settings.connect, settings.name, signal), settings.name, tell);
      const ours = await readOwnSlots(session.control, settings.slotPrefix, settings.source.database);
      for (const { slot_name } of ours) tell(`dropping the replication slot ${slot_name} of ${where}`);
      await dropSlots(session.control, ours);
      tell(`dropping ${Object.values(OWN_TABLES).join(' and ')} of ${where}`);
      if (!(await dropOwnTables(session.control))) {
        tell(
          `  they belong to somebody else, who can run: DROP TABLE ${Object.values(OWN_TABLES).join(', ')}; DROP SCHEMA prepadata;`,
        );
      }
    } finally {
      session.close();
    }
  } catch (error) {
    throw sortFailure(error, settings.source, settings.names);
  }
  await removeConnectorReport(db, settings.name);
  tell(
    `The publication stays; DROP PUBLICATION ${settings.publication}; takes it away. The next registration reads everything anew.`,
  );
}

async function dropConnector(connect: ConnectApi, name: string, tell: (line: string) => void): Promise<void> {
  if ((await connect.read()) === undefined) {
    tell(`there is no connector ${name} in Kafka Connect`);
    return;
  }
  tell(`stopping the connector ${name}, and removing its offset and it from Kafka Connect`);
  await connect.stop();
  await connect.resetOffset();
  await connect.remove();
}
