import { createHash } from 'node:crypto';
import type { Uuid } from '#libs/domain/change.ts';

/**
 * A name-based UUID (RFC 9562 version 5): the same name in the same namespace always gives the same id, so that a row
 * that is generated or loaded twice is recognised.
 * @param namespace a UUID; `name` is unique within it
 */
export function uuidFrom(namespace: Uuid, name: string): Uuid {
  const digest = createHash('sha1')
    .update(Buffer.from(namespace.replaceAll('-', ''), 'hex'))
    .update(name)
    .digest();
  digest[6] = ((digest[6] ?? 0) & 0x0f) | 0x50;
  digest[8] = ((digest[8] ?? 0) & 0x3f) | 0x80;
  const hex = digest.toString('hex', 0, 16);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
