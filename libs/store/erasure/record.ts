import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** How many rows were removed or emptied, by table. */
export type RemovedRows = Readonly<Record<string, number>>;

/** What was erased, when, at whose request and why, without saying who the student was. */
export interface ErasureRecord {
  readonly erasure_id: string;
  /** Salted by the database: anybody who knows the student's source id can compute it there; nobody can reverse it. */
  readonly student_digest: string;
  readonly requested_at: string;
  readonly requested_by: string;
  readonly reason: string | null;
  /** From then on no answer contains anything of the student. */
  readonly removed_at: string;
  /** By then the feature topics had the tombstones. */
  readonly finished_at: string;
  readonly removed: RemovedRows;
}

/** A record as it is stored and handed out. */
export interface SignedRecord {
  readonly record: ErasureRecord;
  /** The first digits of the key's digest, which tell the key it was signed with. */
  readonly key: string;
  /** HMAC-SHA256 of the record's JSON without spaces, in hexadecimal digits. */
  readonly signature: string;
}

/** Signs records, and has an id to tell which key has signed. */
export interface RecordSigner {
  readonly keyId: string;
  sign(text: string): string;
}

export function openSigner(key: string): RecordSigner {
  return {
    keyId: createHash('sha256').update(`prepadata erasure key ${key}`).digest('hex').slice(0, 8),
    sign: (text) => createHmac('sha256', key).update(text).digest('hex'),
  };
}

export type Verification = 'genuine' | 'another key' | 'changed';

/** Checks a record as it was handed out, which may have been changed since. */
export function verifyRecord({ record, key, signature }: SignedRecord, signer: RecordSigner): Verification {
  if (key !== signer.keyId) return 'another key';
  const [wanted, given] = [signer.sign(JSON.stringify(record)), signature].map((text) => Buffer.from(text, 'utf8'));
  const isSame = wanted !== undefined && given !== undefined && wanted.length === given.length;
  return isSame && timingSafeEqual(wanted, given) ? 'genuine' : 'changed';
}
