import type pg from 'pg';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { processIdOf } from '#libs/platform/postgres/pooler.ts';
import { timeLeft } from '#libs/platform/time-left.ts';
import { sayingWhoBlocks } from '../postgres/blockers.ts';
import { Waiting } from '../postgres/faults.ts';
import { briefly, type Link } from '../postgres/link.ts';
import { checkRowSecurity, type RowSecurity } from '../postgres/row-security.ts';
import { type CreatedSlot, createSlot, slotName } from '../postgres/slot.ts';
import { beginReading, estimateRows, readTables, type SnapshotChunk } from '../postgres/snapshot.ts';
import type { Subscription } from './options.ts';
import type { ReplicationSession } from './session.ts';

/**
 * Creates the slot of a new epoch and delivers every row in its snapshot. Whatever commits later is in the slot.
 * @param rowSecurity as it was found before
 * @returns the LSN to follow from
 */
export async function readInitialSnapshot(
  session: ReplicationSession,
  replication: Link,
  epoch: number,
  rowSecurity: RowSecurity,
): Promise<bigint> {
  const { run, control } = session;
  const { settings } = run;
  const name = slotName(settings.slotPrefix, epoch);
  const making = `making the replication slot ${name}; the server waits for`;
  run.status.say('snapshot', `${making} the transactions that write at this moment to end`);
  const slot = await sayingWhoBlocks(
    settings.address,
    replication.client,
    (whom) => run.status.say('snapshot', `${making} ${whom}`),
    () => make(settings.address, replication.client, name),
  );
  await sayingWhoBlocks(
    settings.address,
    control,
    (whom) => run.status.say('snapshot', `reading the tables waits for ${whom}`),
    () => beginReading(control, settings.names, slot.snapshot, rowSecurity.setting),
  );
  // The transaction holds the snapshot from here on.
  replication.close();
  await deliverTables(session, epoch);
  const { print } = await checkRowSecurity(control, settings.names);
  if (print !== rowSecurity.print)
    throw new Waiting('row-level security of the source was changed while its tables were read; reading them anew');
  const applied = slot.consistentPoint;
  await run.deliver({
    changes: [],
    progress: { stream: settings.stream, epoch, applied },
    snapshotCompleted: { epoch },
  });
  return applied;
}

async function deliverTables(session: ReplicationSession, epoch: number): Promise<void> {
  const { run, control } = session;
  const { names, snapshotBatch } = run.settings;
  const estimated = await estimateRows(control, names);
  const chunks = readTables(control, names, epoch, snapshotBatch);
  let rows = 0;
  const begun = run.settings.clock.now();
  // The next chunk is read while the current one is staged.
  let next = readAhead(chunks);
  for (;;) {
    const read = await next;
    run.status.heard();
    if (read.done === true) return;
    next = readAhead(chunks);
    await run.deliver({ changes: read.value.rows, isPartOfSnapshot: true, of: { stream: run.settings.stream, epoch } });
    rows += read.value.rows.length;
    sayProgress(run, { rows, estimated, ms: run.settings.clock.now() - begun }, read.value.table);
  }
}

/** A failure surfaces when the chunk is awaited; until then it must not count as unhandled. */
function readAhead(chunks: AsyncGenerator<SnapshotChunk>): Promise<IteratorResult<SnapshotChunk>> {
  const next = chunks.next();
  next.catch(() => {});
  return next;
}

const withCommas = (count: number): string => Math.round(count).toLocaleString('en-US');

interface Progress {
  readonly rows: number;
  readonly estimated: number;
  /** Milliseconds since reading began. */
  readonly ms: number;
}

function sayProgress(run: Subscription, { rows, estimated, ms }: Progress, table: string): void {
  const estimatedRows = Math.round(Math.max(rows, estimated));
  const left = timeLeft(rows, estimatedRows, ms);
  const detail = `snapshot: ${withCommas(rows)} of about ${withCommas(estimatedRows)} rows (${table})${left}`;
  run.status.say('snapshot', detail, { rows, estimatedRows });
}

/**
 * A server that waits for other transactions does not notice that we have gone; it would create the slot in the end, and
 * keep log for nobody.
 */
async function make(address: DatabaseAddress, replication: pg.Client, name: string): Promise<CreatedSlot> {
  const pid = processIdOf(replication);
  try {
    return await createSlot(replication, name);
  } catch (error) {
    if (pid !== null) endBackend(address, pid).catch(() => {});
    throw error;
  }
}

const endBackend = (address: DatabaseAddress, pid: number): Promise<unknown> =>
  briefly(address, (client) =>
    client.query(
      `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid = $1 AND application_name = 'prepadata slot'`,
      [pid],
    ),
  );
