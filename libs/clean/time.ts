import type { LocalMillis } from '#libs/domain/change.ts';
import type { Instant, Zone } from '#libs/domain/zone.ts';

const EARLIEST: Instant = Date.UTC(2000, 0, 1);
const END: Instant = Date.UTC(2200, 0, 1);

/** The instant of a source timestamp; null if it is missing or outside [2000-01-01T00:00Z, 2200-01-01T00:00Z). */
export function readInstant(local: LocalMillis | null, zone: Zone): Instant | null {
  // This check, with a day's margin, keeps the zone lookup away from years that it cannot express.
  if (local === null || local < EARLIEST - 86_400_000 || local > END + 86_400_000) return null;
  const instant = zone.toInstant(local);
  return instant < EARLIEST || instant >= END ? null : instant;
}
