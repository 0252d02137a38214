import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { FEAST_REPOSITORY } from '#libs/serve/catalogue/feast.ts';

/**
 * Writes the feature repository into a folder, which is created if needed: the definitions every time, the store file only
 * if it is missing, since its reader may have changed it.
 * @returns what was done, for people
 * @throws ConfigurationError when the folder cannot be written to
 */
export function writeFeastRepository(folder: string): string[] {
  const { definitions, store } = FEAST_REPOSITORY;
  const [definitionsFile, storeFile] = [path.join(folder, definitions.name), path.join(folder, store.name)];
  try {
    mkdirSync(path.join(folder, 'data'), { recursive: true });
    writeFileSync(definitionsFile, definitions.text);
    const isKept = existsSync(storeFile);
    if (!isKept) writeFileSync(storeFile, store.text);
    return [`${definitionsFile} is written`, `${storeFile} is ${isKept ? 'left as it was' : 'written'}`];
  } catch (cause) {
    throw new ConfigurationError(
      `the feature repository cannot be written to ${path.resolve(folder)}: ${messageOf(cause)}`,
      'name a folder that this user may write to: npm run catalogue -- --feast <folder>',
      { cause },
    );
  }
}
