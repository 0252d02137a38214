import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Rows that were removed, or made empty, by table. */
export type RemovedRows = Readonly<Record<string, number>>;

/** What was erased, when, for whom and why, without saying who it was. */
export interface ErasureRecord {
  readonly erasure_id: string;
  /** Salted by the database: who knows the source's id of the student can make it there, nobody can go back from it. */
  readonly student_digest: string;
  readonly requested_at: string;
  readonly requested_by: string;
  readonly reason: string | null;
  /** Since then nothing of the student is answered. */
  readonly removed_at: string;
  /** Since then the feature topics know. */
  readonly finished_at: string;
  readonly removed: RemovedRows;
}

/** A record as it is kept and handed out. */
export interface SignedRecord {
  readonly record: ErasureRecord;
  /** The first digits of the key's own digest: which key it was. */
  readonly key: string;
  /** HMAC-SHA256 of the record's JSON without spaces, in hexadecimal digits. */
  readonly signature: string;
}

/** Signs records, and tells whether it was the one that signed. */
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

/** @param signed as it was handed out, whatever has become of it */
export function verifyRecord({ record, key, signature }: SignedRecord, signer: RecordSigner): Verification {
  if (key !== signer.keyId) return 'another key';
  const [wanted, given] = [signer.sign(JSON.stringify(record)), signature].map((text) => Buffer.from(text, 'utf8'));
  const isSame = wanted !== undefined && given !== undefined && wanted.length === given.length;
  return isSame && timingSafeEqual(wanted, given) ? 'genuine' : 'changed';
}
