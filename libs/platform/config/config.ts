import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { type SourceNames, sourceNames } from '#libs/domain/source-tables/names.ts';
import type { DatabaseAddress } from '../postgres/database.ts';
import { type DatabaseTls, tlsOf } from '../postgres/tls.ts';
import type { Setting } from './kinds.ts';
import { SETTINGS, type SettingName, type SettingValues } from './settings.ts';
import { readTextFile } from './text-file.ts';

const NAMES = Object.keys(SETTINGS) as SettingName[];

/**
 * The configuration, from the environment. Empty counts as unset. A secret may be in a file instead, named by the setting
 * with `_FILE` appended; its lines are the items of a list. Such a file, and one of a certificate or key, is read again whenever
 * the setting is.
 * @throws ConfigurationError naming every setting that is wrong, not just the first; values of secrets are not shown
 */
export function loadConfig(env: Environment = process.env): SettingValues {
  const values: Partial<Record<SettingName, unknown>> = {};
  const problems: string[] = [];
  for (const name of NAMES) {
    const { fallback, expects, secret, isFile, parse }: Setting<unknown> = SETTINGS[name];
    try {
      const given = secret ? readSecret(env, name) : set(env[name]);
      try {
        values[name] = parse(given ?? fallback);
        if (secret && set(env[`${name}_FILE`]) !== undefined)
          rereading(values, name, () => parse(readSecret(env, name) ?? fallback));
        else if (isFile && given !== undefined) rereading(values, name, () => parse(given));
      } catch (error) {
        const what = error instanceof ConfigurationError ? `: ${error.message} (${error.hint})` : ` is not ${expects}`;
        problems.push(`${name}=${secret ? '(hidden)' : withoutLogin(given)}${what}`);
      }
    } catch (error) {
      problems.push(messageOf(error));
    }
  }
  const { ATTENTION_OPEN_POINTS: open, ATTENTION_CLOSE_POINTS: close } = values as Partial<SettingValues>;
  if (open !== undefined && close !== undefined && close > open)
    problems.push(`ATTENTION_CLOSE_POINTS is more than ATTENTION_OPEN_POINTS (${close} and ${open})`);
  if (problems.length > 0) {
    throw new ConfigurationError(
      `the configuration is wrong: ${problems.join('; ')}`,
      'correct the environment; services/settings.md lists every setting',
    );
  }
  return values as SettingValues;
}

/** Hides passwords in case somebody put a connection string where none belongs. */
const withoutLogin = (given: string | undefined): string | undefined => given?.replace(/:\S*@/g, ':(hidden)@');

type Environment = Readonly<Record<string, string | undefined>>;

const set = (value: string | undefined): string | undefined => (value === '' ? undefined : value);

/** @throws Error when it is set in both places, or in a file that cannot be read */
function readSecret(env: Environment, name: string): string | undefined {
  const [value, file] = [set(env[name]), set(env[`${name}_FILE`])];
  if (file === undefined) return value;
  if (value !== undefined) throw new Error(`${name} and ${name}_FILE are both set: leave one of them out`);
  try {
    const lines = readTextFile(file).split(/\r?\n/);
    return set(lines.filter((line) => line !== '' && !line.startsWith('#')).join(','));
  } catch (error) {
    throw new Error(`${name}_FILE cannot be read: ${messageOf(error)}`);
  }
}

/**
 * Reads a setting anew whenever it is asked for, since its file may be replaced while the program runs; while that fails, as in
 * the middle of replacing it, what was read last counts.
 */
function rereading(values: Partial<Record<SettingName, unknown>>, name: SettingName, read: () => unknown): void {
  let last = values[name];
  const get = (): unknown => {
    try {
      last = read();
    } catch {}
    return last;
  };
  Object.defineProperty(values, name, { enumerable: true, get });
}

/** The names in the source database of the tables and columns we read. */
export const namesOf = (config: SettingValues): SourceNames =>
  sourceNames(config.SOURCE_SCHEMA, config.SOURCE_MAPPING, config.DIRECTORY === 'on');

/** The source database named by the environment; undefined: the sample campus. */
export const sourceAddress = (config: SettingValues): DatabaseAddress | undefined => addressOf(config, 'SOURCE_DB');

/** The analytics database named by the environment; undefined: an embedded one. */
export const analyticsAddress = (config: SettingValues): DatabaseAddress | undefined =>
  addressOf(config, 'ANALYTICS_DB');

function addressOf(config: SettingValues, prefix: 'SOURCE_DB' | 'ANALYTICS_DB'): DatabaseAddress | undefined {
  const host = config[`${prefix}_HOST`];
  if (host === undefined) return undefined;
  const readTls = (): DatabaseTls | undefined =>
    tlsOf(
      config[`${prefix}_SSLMODE`],
      {
        ca: config[`${prefix}_SSLROOTCERT`],
        cert: config[`${prefix}_SSLCERT`],
        key: config[`${prefix}_SSLKEY`],
        passphrase: config[`${prefix}_SSLPASSWORD`] || undefined,
      },
      prefix,
    );
  const first = readTls();
  const address = {
    host,
    port: config[`${prefix}_PORT`],
    database: config[`${prefix}_NAME`],
    user: config[`${prefix}_USER`],
    get password() {
      return config[`${prefix}_PASSWORD`];
    },
  };
  return first === undefined ? address : withTls(address, first, () => readTls() ?? first);
}

/** While a certificate and its key are being replaced, the pair that was good last counts. */
function withTls(address: DatabaseAddress, first: DatabaseTls, read: () => DatabaseTls): DatabaseAddress {
  let last = first;
  const get = (): DatabaseTls => {
    try {
      last = read();
    } catch {}
    return { ...last };
  };
  return Object.defineProperty(address, 'ssl', { enumerable: true, get });
}

/**
 * The address of a database that a process cannot do without.
 * @param prefix of its settings: ANALYTICS_DB
 * @throws ConfigurationError when the environment does not name it
 */
export function requireAddress(address: DatabaseAddress | undefined, prefix: string, what: string): DatabaseAddress {
  if (address !== undefined) return address;
  throw new ConfigurationError(
    `${prefix}_HOST is not set, and a process of one role has no embedded database`,
    `set ${prefix}_HOST (and _PORT, _NAME, _USER, _PASSWORD) to ${what}`,
  );
}
