import type pg from 'pg';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { codeOf } from './faults.ts';
import { type Link, openLink } from './link.ts';
import { findService, mayNotReplicate } from './managed.ts';

/**
 * Opens a connection that speaks the replication protocol.
 * @param control a plain connection to the same server
 * @throws ConfigurationError when the user may not; the driver's errors
 */
export async function openReplicationLink(
  address: DatabaseAddress,
  purpose: string,
  control: pg.Client,
  signal: AbortSignal,
): Promise<Link> {
  try {
    return await openLink(address, purpose, 'replication', signal, () => {});
  } catch (error) {
    if (codeOf(error) !== '42501') throw error;
    throw mayNotReplicate(address.user, error, await findService(control));
  }
}
