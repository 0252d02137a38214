import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SETTINGS, type SettingName } from '#libs/platform/config/settings.ts';

/*
 * Secrets that can be found again: each is a word of its own that nothing else contains. Planted in every setting that
 * holds one, and looked for in whatever a program writes.
 */

/** A word that is not in anything else; long enough for every setting. */
export const newMark = (): string => `mark${randomBytes(20).toString('hex')}`;

/** Where a mark alone is not what the setting takes. */
const SHAPES: Partial<Record<SettingName, (mark: string) => string>> = {
  API_TOKENS: (mark) => `reader:${mark}:read|run|ops`,
  SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: (mark) => `registry-user:${mark}`,
  CONNECT_BASIC_AUTH_USER_INFO: (mark) => `connect-user:${mark}`,
};

const SECRETS = (Object.keys(SETTINGS) as SettingName[]).filter((name) => SETTINGS[name].secret);

/** Every secret setting there is, with a mark in it; and the marks, by what they are in. */
export interface PlantedSecrets {
  readonly marks: ReadonlyMap<string, string>;
  /** As the environment gives them. */
  readonly env: Readonly<Record<string, string>>;
  /** As files that the environment names. */
  inFiles(folder: string): Readonly<Record<string, string>>;
  /** Without the form that the settings ask for. */
  readonly misshapen: Readonly<Record<string, string>>;
}

/** @param besides further marks, by what they are in */
export function plantSecrets(besides: Readonly<Record<string, string>> = {}): PlantedSecrets {
  const marks = new Map<string, string>([
    ...SECRETS.map((name) => [name, newMark()] as const),
    ...Object.entries(besides),
  ]);
  const markOf = (name: string): string => marks.get(name) ?? '';
  const env = Object.fromEntries(SECRETS.map((name) => [name, (SHAPES[name] ?? ((mark) => mark))(markOf(name))]));
  return {
    marks,
    env,
    inFiles: (folder) => {
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      const given = SECRETS.map((name) => {
        const file = path.join(folder, name);
        writeFileSync(file, `${env[name]}\n`, { mode: 0o600 });
        return [`${name}_FILE`, file] as const;
      });
      return Object.fromEntries(given);
    },
    misshapen: Object.fromEntries(SECRETS.map((name) => [name, `${markOf(name)} : : wrong`])),
  };
}

/** In which forms a mark may be told: as it is, and as a login of HTTP is sent. */
const formsOf = (mark: string): string[] => [
  mark,
  ...[0, 1, 2].map((offset) =>
    Buffer.from(`${' '.repeat(offset)}${mark}`)
      .toString('base64')
      .slice(4, -4),
  ),
];

/** What the marks in a text are in; empty where there are none. */
export const secretsIn = (text: string, { marks }: Pick<PlantedSecrets, 'marks'>): string[] =>
  [...marks].filter(([, mark]) => formsOf(mark).some((form) => text.includes(form))).map(([name]) => name);

/** The same of every file below a folder, `<file>: <setting>`; not of those that `isMeant` says are for secrets. */
export function secretsInFiles(
  folder: string,
  planted: Pick<PlantedSecrets, 'marks'>,
  isMeant: (file: string) => boolean = () => false,
): string[] {
  return filesBelow(folder)
    .filter((file) => !(isMeant(path.relative(folder, file)) && (statSync(file).mode & 0o077) === 0))
    .flatMap((file) => secretsIn(contentsOf(file), planted).map((name) => `${path.relative(folder, file)}: ${name}`));
}

/** A server makes and removes files while they are looked at. */
function contentsOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    return '';
  }
}

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.join(entry.parentPath, entry.name));

/** The same of the command line of every process of this machine, where that can be seen. */
export function secretsInArguments(planted: Pick<PlantedSecrets, 'marks'>): string[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => secretsIn(commandLineOf(pid), planted).map((name) => `process ${pid}: ${name}`));
}

/** It may end while it is looked at. */
function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
