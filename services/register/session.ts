import type pg from 'pg';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { placeOf } from '#libs/platform/postgres/database.ts';
import { refuseUselessPooler } from '#libs/platform/postgres/pooler.ts';
import { pause } from '#libs/platform/retry.ts';
import { encodingOf } from '#libs/source/postgres/encoding.ts';
import { openLink } from '#libs/source/postgres/link.ts';
import { checkTables } from '#libs/source/postgres/preflight.ts';
import { ensurePublication } from '#libs/source/postgres/publication.ts';
import { openReplicationLink } from '#libs/source/postgres/replication-link.ts';
import { identifyServer, type SourceServer, tryLock } from '#libs/source/postgres/server.ts';
import { type Origin, readSignature } from '#libs/source/postgres/signature.ts';
import { refuseNullableDefaults } from './defaults.ts';
import { ensureOwnTables } from './own-tables.ts';
import type { RegisterSettings } from './settings.ts';
import { refuseWordlessEnums } from './wordless-enums.ts';

/** A connection to the source whose session holds the lock that lets only one process look after the connector. */
export interface ConnectorLock {
  readonly control: pg.Client;
  /** The server that this connection goes to; it cannot change without a new connection. */
  readonly server: SourceServer;
  /** @throws the error that broke the connection, if one did */
  check(): void;
  close(): void;
}

/** Milliseconds between two attempts of a standby to take over. */
const STANDBY_EVERY = 1_000;

/**
 * Opens the connection and waits until no other process looks after the connector.
 * @param timeout how long a standby waits, milliseconds; undefined: for ever
 * @param onStandby called at each attempt, with a sentence that names the other process
 * @throws ConfigurationError when the time is over; the driver's errors
 */
export async function acquireConnectorLock(
  settings: RegisterSettings,
  signal: AbortSignal,
  timeout: number | undefined,
  onStandby: (sentence: string) => void,
): Promise<ConnectorLock> {
  let lost: Error | undefined;
  await refuseUselessPooler(settings.source, `the source database ${placeOf(settings.source)}`, signal);
  const link = await openLink(settings.source, 'register', 'sql', signal, (error) => {
    lost = error;
  });
  try {
    await link.client.query('SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10');
    await takeLock(link.client, settings, signal, timeout, onStandby);
    const replication = await openReplicationLink(settings.source, 'identify', link.client, signal);
    try {
      const server = await identifyServer(replication.client);
      return {
        control: link.client,
        server,
        check: () => {
          if (lost !== undefined) throw lost;
        },
        close: link.close,
      };
    } finally {
      replication.close();
    }
  } catch (error) {
    link.close();
    throw lost ?? error;
  }
}

async function takeLock(
  client: pg.Client,
  settings: RegisterSettings,
  signal: AbortSignal,
  timeout: number | undefined,
  onStandby: (sentence: string) => void,
): Promise<void> {
  for (const until = Date.now() + (timeout ?? Number.POSITIVE_INFINITY); ; ) {
    const { got, holder } = await tryLock(client, `prepadata register ${settings.slotPrefix}`);
    if (got) return;
    const sentence = `another process looks after the connector ${settings.name} (server process ${holder ?? 'unknown'})`;
    if (Date.now() >= until) {
      throw new ConfigurationError(
        sentence,
        'leave it to that one (npm run register -- --status shows how it stands), or stop it first',
      );
    }
    onStandby(`${sentence}; standing by`);
    await pause(STANDBY_EVERY, signal);
  }
}

/**
 * Checks that the source can be followed, makes the publication and our two tables if they are missing and it may,
 * and returns what exactly is followed.
 * @throws ConfigurationError, UnrecoverableError that say what is wrong and what to do
 */
export async function inspectSource({ control, server }: ConnectorLock, settings: RegisterSettings): Promise<Origin> {
  const { names, publication, source } = settings;
  const facts = await checkTables(control, names);
  await refuseBytes(control);
  await refuseNullableDefaults(control, names);
  await refuseWordlessEnums(control);
  await ensurePublication(control, publication, names, facts);
  await ensureOwnTables(control, source.user, publication);
  return { identity: server.identity, signature: await readSignature(control, publication, names) };
}

/** @throws ConfigurationError for a database without an encoding: Debezium reads its bytes as UTF-8, and fails or garbles the rest */
async function refuseBytes(control: pg.Client): Promise<void> {
  if ((await encodingOf(control)).client_encoding === 'UTF8') return;
  throw new ConfigurationError(
    'the source database is encoded in SQL_ASCII, which is no encoding: of bytes that are no UTF-8 Debezium stops, or makes other text',
    "read it without Kafka (CDC_SOURCE=pgoutput), which sets such rows aside; or move it into a database that has one, with pg_dump --encoding=… and CREATE DATABASE … ENCODING 'UTF8' LOCALE 'C' TEMPLATE template0",
  );
}
