import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { ConfigurationError, messageOf, PrepaError } from '#libs/domain/errors.ts';
import type { Queryable } from '#libs/platform/postgres/database.ts';
import { findErasure } from '#libs/store/erasure/erasure.ts';
import { type RecordSigner, type SignedRecord, type Verification, verifyRecord } from '#libs/store/erasure/record.ts';

const SIGNED = z.object({
  record: z.looseObject({ erasure_id: z.string() }),
  key: z.string(),
  signature: z.string(),
});

/** Verifies a printed record from a file. @returns the exit code */
export const verifyFile = (file: string, signer: RecordSigner): number => tell(verifyRecord(readRecord(file), signer));

function readRecord(file: string): SignedRecord {
  try {
    const printed = readFileSync(file, 'utf8');
    // npm may have printed its own lines before the record.
    return SIGNED.parse(JSON.parse(printed.slice(Math.max(0, printed.search(/^\{/m))))) as unknown as SignedRecord;
  } catch (error) {
    const why = error instanceof z.ZodError ? 'it has no record, key and signature' : messageOf(error);
    throw new ConfigurationError(
      `--verify ${file} is neither the id of an erasure nor a file with a record: ${why}`,
      'give the id that npm run erase has printed as erasure_id, or a file with all that it has printed',
    );
  }
}

/** Prints and verifies the record of an erasure. @throws PrepaError if there is none (yet) */
export async function verifyStored(db: Queryable, erasureId: string, signer: RecordSigner): Promise<number> {
  const erasure = await findErasure(db, erasureId.toLowerCase());
  if (erasure?.signed == null)
    throw new PrepaError(
      'erasure_not_found',
      erasure === undefined ? `there is no erasure ${erasureId}` : `the erasure ${erasureId} is not finished`,
      erasure === undefined
        ? 'give the id that npm run erase has printed as erasure_id'
        : 'wait until the feature topics have been told, and try again',
    );
  process.stdout.write(`${JSON.stringify(erasure.signed, null, 1)}\n`);
  return tell(verifyRecord(erasure.signed, signer));
}

const SENTENCES = {
  genuine: 'The record is genuine.',
  changed: 'The record is NOT genuine: it was changed after it had been signed.',
  'another key': 'The record was signed with another key: set ERASURE_KEY to the one that was in force then.',
} as const satisfies Record<Verification, string>;

function tell(verification: Verification): number {
  process.stderr.write(`${SENTENCES[verification]}\n`);
  return verification === 'genuine' ? 0 : 1;
}
