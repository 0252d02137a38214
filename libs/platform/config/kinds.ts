import { statSync } from 'node:fs';
import { ACTIVITY_TYPES, type ActivityType, normaliseWord } from '#libs/domain/activity-type.ts';
import { type ComponentNumbers, SETTING_DECIMALS } from '#libs/domain/components.ts';
import { ConfigurationError, messageOf } from '#libs/domain/errors.ts';
import { parseWhole } from '#libs/domain/rational.ts';
import type { SourceMapping } from '#libs/domain/source-tables/names.ts';
import { openZone, type Zone } from '#libs/domain/zone.ts';
import { type LevelsByModule, LOG_LEVELS, LOG_MODULES, parseLogLevels } from '../log.ts';
import { parseSchedule, type Schedule } from '../schedule.ts';
import { readMapping } from './mapping-file.ts';
import { readTextFile } from './text-file.ts';

/** One line of the configuration table. */
export interface Setting<V> {
  /** As it would be written in the environment; undefined: unset. */
  readonly fallback: string | undefined;
  /** What a value has to be, for messages: "a port from 0 to 65535". */
  readonly expects: string;
  readonly description: string;
  readonly secret: boolean;
  /** The text names a file whose content is the value. */
  readonly isFile?: true;
  /** @throws Error when the text is not what is expected. */
  parse(text: string | undefined): V;
}

interface Extra {
  readonly secret?: boolean;
}

function setting<V>(
  fallback: string | undefined,
  expects: string,
  description: string,
  parse: (text: string | undefined) => V,
  extra: Extra = {},
): Setting<V> {
  return { fallback, expects, description, parse, secret: extra.secret ?? false };
}

function refuse(): never {
  throw new Error('not what is expected');
}

export const text = (fallback: string, description: string, extra?: Extra): Setting<string> =>
  setting(fallback, 'text', description, (value) => value ?? fallback, extra);

export const optionalText = (description: string): Setting<string | undefined> =>
  setting(undefined, 'text', description, (value) => value);

/** Refuses a connection string, whose password would be shown wherever the host is. */
const isHost = (value: string): boolean => !/[@\s]|:\/\//.test(value);

/** The host of a database: a name, an address, or the folder of its socket. */
export const optionalHost = (description: string): Setting<string | undefined> =>
  setting(undefined, 'a name or an address, without a login', description, (value) =>
    value === undefined || isHost(value) ? value : refuse(),
  );

/** The URL of a service that speaks HTTP. */
export const optionalUrl = (description: string): Setting<string | undefined> =>
  setting(undefined, 'an address like http://host:port', description, (value) =>
    value === undefined || (/^https?:\/\/[^\s/]/i.test(value) && URL.canParse(value)) ? value : refuse(),
  );

const items = (value: string | undefined): string[] =>
  (value ?? '')
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');

/** Addresses of brokers. */
export const hostList = (description: string): Setting<readonly string[]> =>
  setting(undefined, 'host:port, separated by commas, without a login', description, (value) =>
    items(value).every(isHost) ? items(value) : refuse(),
  );

export const commaList = (description: string, extra?: Extra): Setting<readonly string[]> =>
  setting(undefined, 'a list separated by commas', description, items, extra);

function integer(value: string | undefined, least: number, most: number): number {
  const number = /^\d{1,10}$/.test(value ?? '') ? Number(value) : Number.NaN;
  return number >= least && number <= most ? number : refuse();
}

export const port = (fallback: string, description: string): Setting<number> =>
  setting(fallback, 'a port from 0 to 65535', description, (value) => integer(value, 0, 65_535));

export const positiveInteger = (fallback: string, most: number, description: string): Setting<number> =>
  setting(fallback, `a whole number from 1 to ${most}`, description, (value) => integer(value, 1, most));

/** A number of days; null: off. */
export const daysOrOff = (description: string): Setting<number | null> =>
  setting('off', 'days from 1 to 36500, or off', description, (value) =>
    value === 'off' ? null : integer(value, 1, 36_500),
  );

export const oneOf = <const O extends readonly string[]>(
  options: O,
  fallback: O[number],
  description: string,
): Setting<O[number]> =>
  setting(
    fallback,
    `one of ${options.join(', ')}`,
    description,
    (value) => options.find((option) => option === value) ?? refuse(),
  );

export const zone = (fallback: string, description: string): Setting<Zone> =>
  setting(fallback, 'a time zone such as Europe/Paris', description, (value) => openZone(value ?? fallback));

const DECIMALS = `at most ${SETTING_DECIMALS} decimals`;

/** These are shown as JSON numbers, and a double holds no larger one with all of its decimals. */
const LARGEST = 10n ** BigInt(9 + SETTING_DECIMALS);

export const componentNumbers = (
  fallback: string,
  least: 'zero' | 'positive',
  description: string,
): Setting<ComponentNumbers> =>
  setting(
    fallback,
    `four numbers separated by commas, each ${least === 'zero' ? 'at least' : 'above'} 0 and up to 1000000000, with ${DECIMALS}`,
    description,
    (value) => {
      const numbers = (value ?? '').split(',').map((item) => exactly(item) ?? refuse());
      const [logins, time, forumPosts, resources, ...more] = numbers;
      if (
        logins === undefined ||
        time === undefined ||
        forumPosts === undefined ||
        resources === undefined ||
        more.length > 0
      )
        return refuse();
      const isWithin = (number: bigint): boolean => number >= (least === 'zero' ? 0n : 1n) && number <= LARGEST;
      if (!numbers.every(isWithin)) return refuse();
      return { logins, time, forum_posts: forumPosts, resources };
    },
  );

/** Never rounds: also undefined if there are more decimals than are kept. */
const exactly = (text: string): bigint | undefined => parseWhole(text.trim(), SETTING_DECIMALS);

function exactNumber(value: string | undefined, least: bigint, most: number): bigint {
  const number = exactly(value ?? '');
  return number === undefined || number < least || number > BigInt(most) * 10n ** BigInt(SETTING_DECIMALS)
    ? refuse()
    : number;
}

/** Null: off. */
export const schedule = (fallback: string, description: string): Setting<Schedule | null> =>
  setting(
    fallback,
    'a cron pattern of five fields (minute, hour, day, month, weekday) whose time comes, or off',
    description,
    (value = fallback) => (value.trim().toLowerCase() === 'off' ? null : parseSchedule(value.trim())),
  );

/** Percent and the like, exact: an integer times 10^-SETTING_DECIMALS. */
export const decimal = (fallback: string, most: number, description: string): Setting<bigint> =>
  setting(fallback, `a number from 0 to ${most}, with ${DECIMALS}`, description, (value) =>
    exactNumber(value, 0n, most),
  );

/** The same, but above 0. */
export const positiveDecimal = (fallback: string, most: number, description: string): Setting<bigint> =>
  setting(fallback, `a number above 0, up to ${most}, with ${DECIMALS}`, description, (value) =>
    exactNumber(value, 1n, most),
  );

const pemFile = (expects: string, begin: RegExp, description: string): Setting<string | undefined> => ({
  ...setting(undefined, expects, description, (value) => {
    if (value === undefined) return undefined;
    const content = readOrTell(value);
    return begin.test(content) ? content : refuse();
  }),
  isFile: true,
});

function readOrTell(file: string): string {
  try {
    return readTextFile(file);
  } catch (error) {
    throw new ConfigurationError(`cannot be read: ${messageOf(error)}`, 'name a file that this user may read');
  }
}

/** A file with PEM certificates; its text. */
export const certificates = (description: string): Setting<string | undefined> =>
  pemFile('a file of certificates in PEM form', /-----BEGIN CERTIFICATE-----/, description);

/** A file with a private key in PEM form; its text. */
export const privateKey = (description: string): Setting<string | undefined> =>
  pemFile('a file of a private key in PEM form', /-----BEGIN [A-Z ]*PRIVATE KEY-----/, description);

/** The same, refused, as by libpq, if other users of the machine may read it. */
export const ownKey = (description: string): Setting<string | undefined> => {
  const key = privateKey(description);
  return { ...key, parse: (file) => key.parse(file === undefined ? undefined : unreadByOthers(file)) };
};

/** A file of root's may be readable by its group, as secrets of containers are. */
function unreadByOthers(file: string): string {
  const { mode, uid } = statSync(file, { throwIfNoEntry: false }) ?? { mode: 0, uid: 0 };
  if (process.platform === 'win32' || (mode & (uid === 0 ? 0o037 : 0o077)) === 0) return file;
  throw new ConfigurationError('may be read by others of this machine', `run: chmod 600 ${file}`);
}

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

export const uuidList = (description: string): Setting<readonly string[]> =>
  setting(undefined, 'UUIDs separated by commas or white space, or @file with such', description, (value) => {
    const written = value?.startsWith('@') ? readTextFile(value.slice(1)) : (value ?? '');
    const ids = written.split(/[\s,]+/).filter((id) => id !== '');
    return ids.map((id) => (UUID.test(id.toLowerCase()) ? id.toLowerCase() : refuse()));
  });

/** A file of {word: type}; words are compared trimmed and in lower case. */
export const aliasFile = (description: string): Setting<ReadonlyMap<string, ActivityType>> =>
  setting(undefined, `a JSON file of words, each for one of ${ACTIVITY_TYPES.join(', ')}`, description, (value) => {
    if (value === undefined) return new Map();
    const content: unknown = JSON.parse(readTextFile(value));
    if (typeof content !== 'object' || content === null || Array.isArray(content)) return refuse();
    return new Map(
      Object.entries(content).map(([word, type]) => [
        normaliseWord(word),
        ACTIVITY_TYPES.find((known) => known === type) ?? refuse(),
      ]),
    );
  });

export const logLevels = (fallback: string, description: string): Setting<LevelsByModule> =>
  setting(
    fallback,
    `one of ${LOG_LEVELS.join(', ')}, and after commas module=level for any of ${LOG_MODULES.join(', ')}`,
    description,
    (value) => parseLogLevels(value ?? fallback),
  );

/** A file with the names of the source's tables and columns. */
export const mappingFile = (description: string): Setting<SourceMapping> =>
  setting(undefined, 'a JSON file of names', description, (value) => (value === undefined ? {} : readMapping(value)));
