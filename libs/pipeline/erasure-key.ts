import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import type { SettingValues } from '#libs/platform/config/settings.ts';
import { openSigner, type RecordSigner } from '#libs/store/erasure/record.ts';

const LEAST_CHARACTERS = 32;

/**
 * Signs with `ERASURE_KEY` or, if that is unset, with a key made once and kept in `DATA_DIR`, readable by this user only.
 * @throws ConfigurationError for a key that is too short, or if none can be kept
 */
export function erasureSigner({ ERASURE_KEY, DATA_DIR }: SettingValues): RecordSigner {
  const key = ERASURE_KEY === '' ? keptIn(path.resolve(DATA_DIR)) : ERASURE_KEY;
  if (key.length >= LEAST_CHARACTERS) return openSigner(key);
  throw new ConfigurationError(
    `ERASURE_KEY has fewer than ${LEAST_CHARACTERS} characters, so that others could sign with it`,
    'make one, for instance with: openssl rand -hex 32',
  );
}

function keptIn(folder: string): string {
  const file = path.join(folder, 'erasure.key');
  try {
    mkdirSync(folder, { recursive: true });
    // If another process was first, its key is read below.
    writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600, flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw cannotKeep(file, error);
  }
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (error) {
    throw cannotKeep(file, error);
  }
}

const cannotKeep = (file: string, error: unknown): ConfigurationError =>
  new ConfigurationError(
    `the key that records of erasures are signed with cannot be kept in ${file}: ${messageOf(error)}`,
    'set ERASURE_KEY, or ERASURE_KEY_FILE, to the same key for every process that erases',
  );
