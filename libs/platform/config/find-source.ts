import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigurationError } from '#libs/domain/errors.ts';
import type { DatabaseAddress } from '../postgres/database.ts';

type Environment = Readonly<Record<string, string | undefined>>;

/** Where the source database is: the environment, else what the running `npm start` wrote down. */
export function findSource(env: Environment): DatabaseAddress {
  if (env.SOURCE_DB_HOST) {
    return {
      host: env.SOURCE_DB_HOST,
      port: portOf(env.SOURCE_DB_PORT),
      database: fromEnvironment(env, 'SOURCE_DB_NAME'),
      user: fromEnvironment(env, 'SOURCE_DB_USER'),
      password: env.SOURCE_DB_PASSWORD ?? '',
    };
  }
  return findRunning(env, 'source');
}

/** The same database as the running `npm start` has it. @throws ConfigurationError where none runs */
export function findRunning(env: Environment, which: 'source' | 'analytics'): DatabaseAddress {
  const file = path.resolve(env.DATA_DIR || '.prepadata', 'running.json');
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

function portOf(text: string | undefined): number {
  const port = Number(text || 5432);
  if (Number.isInteger(port) && port > 0 && port < 65_536) return port;
  throw new ConfigurationError(`SOURCE_DB_PORT is "${text}"`, 'set it to a port, 1 to 65535');
}

function fromEnvironment(env: Environment, name: string): string {
  const value = env[name];
  if (value === undefined || value === '')
    throw new ConfigurationError(`SOURCE_DB_HOST is set, but ${name} is not`, `set ${name} as well`);
  return value;
}

function isAddress(value: unknown): value is DatabaseAddress {
  if (typeof value !== 'object' || value === null) return false;
  const { host, port, database, user, password } = value as Record<string, unknown>;
  return typeof port === 'number' && [host, database, user, password].every((each) => typeof each === 'string');
}
