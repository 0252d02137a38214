import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigurationError } from '#libs/domain/errors.ts';
import type { DatabaseAddress } from '../postgres/database.ts';
import { sourceAddress } from './config.ts';
import type { SettingValues } from './settings.ts';

/** The source database: the one in the settings, else the one that the running `npm start` wrote down. */
export const findSource = (config: SettingValues): DatabaseAddress =>
  sourceAddress(config) ?? findRunning(config, 'source');

/** The database of the running `npm start`. @throws ConfigurationError when none is running */
export function findRunning({ DATA_DIR }: SettingValues, which: 'source' | 'analytics'): DatabaseAddress {
  const file = path.resolve(DATA_DIR, 'running.json');
  const prefix = which === 'source' ? 'SOURCE_DB' : 'ANALYTICS_DB';
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw new ConfigurationError(
      `no ${which} database is known: ${prefix}_HOST is not set and ${file} cannot be read`,
      `run npm start first, in another terminal, or set ${prefix}_HOST, _PORT, _NAME, _USER and _PASSWORD`,
      { cause },
    );
  }
  const named =
    typeof content === 'object' && content !== null ? (content as Record<string, unknown>)[which] : undefined;
  if (!isAddress(named))
    throw new ConfigurationError(`${file} does not name the ${which} database`, 'stop npm start and run it again');
  return named;
}

function isAddress(value: unknown): value is DatabaseAddress {
  if (typeof value !== 'object' || value === null) return false;
  const { host, port, database, user, password } = value as Record<string, unknown>;
  return typeof port === 'number' && [host, database, user, password].every((each) => typeof each === 'string');
}
