import { placeOf } from '#libs/platform/postgres/database.ts';
import { refuseUselessPooler } from '#libs/platform/postgres/pooler.ts';
import { Backoff } from '#libs/platform/retry.ts';
import { Stopped } from '../delivery.ts';
import { sayingWhoBlocks } from '../postgres/blockers.ts';
import { type Link, openLink } from '../postgres/link.ts';
import { checkTables } from '../postgres/preflight.ts';
import { ensurePublication } from '../postgres/publication.ts';
import { openReplicationLink } from '../postgres/replication-link.ts';
import type { RowSecurity } from '../postgres/row-security.ts';
import { identifyServer, type SourceServer, tryLock } from '../postgres/server.ts';
import { type Origin, originText, readSignature } from '../postgres/signature.ts';
import {
  dropSlots,
  readOwnSlots,
  readSlots,
  reasonForNewEpoch,
  refuseForeign,
  requireLimit,
  slotName,
} from '../postgres/slot.ts';
import { follow } from './follow.ts';
import { readInitialSnapshot } from './initial-snapshot.ts';
import type { Subscription } from './options.ts';
import { beginEpoch, heedFailure, noteOrigin, readOtherFollower, readStored } from './progress.ts';
import type { ReplicationSession } from './session.ts';

/** How often a standby checks whether it may take over, milliseconds: soon at first, for a reader that has just left. */
const STANDBY = { first: 20, last: 500 };

/**
 * One session of connections: becomes the only reader, checks the source, reads everything if a new epoch is needed, then
 * follows the log. Ends only by throwing, and leaves no connection open.
 */
export async function runSession(run: Subscription): Promise<never> {
  const scope = new AbortController();
  const signal = AbortSignal.any([run.signal, scope.signal]);
  let lost: Error | undefined;
  try {
    run.status.say('starting', 'connecting to the source database');
    const { address } = run.settings;
    await refuseUselessPooler(address, `the source database ${placeOf(address)}`, signal);
    const link = await openLink(address, 'control', 'sql', signal, (error) => {
      lost = error;
      session.onControlLost(error);
    });
    const session: ReplicationSession = { run, control: link.client, signal, onControlLost: () => {} };
    run.wasThere = true;
    run.status.heard();
    await session.control.query('SET tcp_keepalives_idle = 30; SET tcp_keepalives_interval = 10');
    await becomeOnlyReader(session);
    const checking = 'checking the source database';
    run.status.say('starting', checking);
    const { names, publication, log } = run.settings;
    const saying = <T>(work: () => Promise<T>): Promise<T> =>
      sayingWhoBlocks(
        address,
        session.control,
        (whom) => run.status.say('starting', `${checking}; it waits for ${whom}`),
        work,
      );
    const facts = await saying(() => checkTables(session.control, names)).catch((error: unknown) =>
      heedFailure(run, error),
    );
    // Opened before anything is created, because the user may lack the right.
    const replication = await openReplicationLink(run.settings.address, 'slot', session.control, signal);
    try {
      const advice = await saying(() => ensurePublication(session.control, publication, names, facts));
      if (advice !== undefined) log('info', advice);
      const server = await identifyServer(replication.client);
      run.status.heard(server.walEnd);
      const signature = await readSignature(session.control, publication, names);
      const origin: Origin = { identity: server.identity, signature };
      const place = await findPlace(session, { replication, server, origin, rowSecurity: facts.rowSecurity });
      replication.close();
      return await follow(session, place.epoch, place.applied, origin);
    } finally {
      replication.close();
    }
  } catch (error) {
    // The first query after a lost connection says only that it cannot be used.
    throw lost ?? error;
  } finally {
    scope.abort();
  }
}

/**
 * Waits until no other process reads. A slot is active only while it streams, not during an initial snapshot, so a session
 * lock in the source database determines the reader.
 */
async function becomeOnlyReader(session: ReplicationSession): Promise<void> {
  const { run, control, signal } = session;
  const { slotPrefix, address } = run.settings;
  const lock = `prepadata reader ${slotPrefix}`;
  for (const backoff = new Backoff(STANDBY); ; ) {
    const { got, holder } = await tryLock(control, lock);
    run.status.heard();
    const slots = await readOwnSlots(control, slotPrefix, address.database);
    const active = slots.find((slot) => slot.active_pid !== null);
    if (got && active === undefined) return;
    // The next attempt would take it again: session locks are counted, and each has to be released.
    if (got) await control.query('SELECT pg_advisory_unlock(hashtextextended($1, 0))', [lock]);
    const name = (active ?? slots.at(-1))?.slot_name ?? `${slotPrefix}_*`;
    const pid = active?.active_pid ?? holder ?? 'unknown';
    run.status.say(
      'waiting',
      `another process reads slot ${name} (pid ${pid}); waiting as standby. A second installation on the same source needs its own SOURCE_SLOT`,
    );
    await backoff.wait(signal);
    if (signal.aborted) throw new Stopped();
  }
}

/** What is known about the source when the place to follow from is chosen. */
interface Scene {
  readonly replication: Link;
  readonly server: SourceServer;
  readonly origin: Origin;
  readonly rowSecurity: RowSecurity;
}

/** Where to follow from: the stored place if it can be continued, else the end of a new epoch's initial snapshot. */
async function findPlace(session: ReplicationSession, scene: Scene): Promise<{ epoch: number; applied: bigint }> {
  const { run, control } = session;
  const { settings } = run;
  const { server, origin } = scene;
  const stored = await readStored(run);
  const slots = await readSlots(control, settings.slotPrefix);
  const ours = slots.filter((slot) => slot.database === settings.address.database);
  const name = slotName(settings.slotPrefix, stored?.epoch ?? 0);
  const slot = ours.find((candidate) => candidate.slot_name === name);
  const reason = run.unreadable ?? reasonForNewEpoch(stored, slot, server.walEnd, origin, name);
  if (reason === undefined && stored !== undefined) {
    await dropSlots(
      control,
      ours.filter((other) => other.slot_name !== name),
    );
    if (stored.origin !== originText(origin)) await noteOrigin(run, stored.epoch, origin);
    return stored;
  }
  await untilNobodyElseFollows(session);
  if (settings.slotLimit === 'required') await requireLimit(control);
  const epoch = await beginEpoch(run, origin, reason ?? '');
  refuseForeign(slots, slotName(settings.slotPrefix, epoch), settings.address.database);
  await dropSlots(control, ours);
  run.status.forget();
  return { epoch, applied: await readInitialSnapshot(session, scene.replication, epoch, scene.rowSecurity) };
}

/**
 * A new epoch replaces what is stored. If another process still follows another server or slot into the same database, the two
 * would go on replacing each other's data for ever.
 */
async function untilNobodyElseFollows({ run, signal }: ReplicationSession): Promise<void> {
  for (const backoff = new Backoff(STANDBY); ; ) {
    const other = await readOtherFollower(run);
    if (other === undefined) return;
    run.status.say(
      'waiting',
      `${other} follows another source, or another slot, into this analytics database, and all that it has brought would be replaced; waiting until it ends: give each source an analytics database of its own (ANALYTICS_DB_NAME), and all processes of one the same SOURCE_SLOT`,
    );
    await backoff.wait(signal);
    if (signal.aborted) throw new Stopped();
  }
}
