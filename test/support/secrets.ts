import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SETTINGS, type SettingName } from '#libs/platform/config/settings.ts';

/*
 * Secrets that can be recognised: each is a unique word. They are planted in every secret setting, and searched for in
 * whatever a program writes.
 */

/** A unique word, long enough for every setting. */
export const newMark = (): string => `mark${randomBytes(20).toString('hex')}`;

/** Settings that need more than the bare mark. */
const SHAPES: Partial<Record<SettingName, (mark: string) => string>> = {
  API_TOKENS: (mark) => `reader:${mark}:read|run|ops`,
  SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: (mark) => `registry-user:${mark}`,
  CONNECT_BASIC_AUTH_USER_INFO: (mark) => `connect-user:${mark}`,
};

const SECRETS = (Object.keys(SETTINGS) as SettingName[]).filter((name) => SETTINGS[name].secret);

/** Every secret setting with a mark in it, and the marks by setting. */
export interface PlantedSecrets {
  readonly marks: ReadonlyMap<string, string>;
  /** For the environment. */
  readonly env: Readonly<Record<string, string>>;
  /** Writes them to files, and returns the environment that names these. */
  inFiles(folder: string): Readonly<Record<string, string>>;
  /** In a form that the settings do not accept. */
  readonly misshapen: Readonly<Record<string, string>>;
}

/** @param besides further marks, by place */
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

/** The forms in which a mark may appear: plain, and as base64 in an HTTP login. */
const formsOf = (mark: string): string[] => [
  mark,
  ...[0, 1, 2].map((offset) =>
    Buffer.from(`${' '.repeat(offset)}${mark}`)
      .toString('base64')
      .slice(4, -4),
  ),
];

/** The settings whose marks are in a text; empty if none are. */
export const secretsIn = (text: string, { marks }: Pick<PlantedSecrets, 'marks'>): string[] =>
  [...marks].filter(([, mark]) => formsOf(mark).some((form) => text.includes(form))).map(([name]) => name);

/** The same for every file below a folder, `<file>: <setting>`; private files that `isMeant` names may contain secrets. */
export function secretsInFiles(
  folder: string,
  planted: Pick<PlantedSecrets, 'marks'>,
  isMeant: (file: string) => boolean = () => false,
): string[] {
  return filesBelow(folder)
    .filter((file) => !(isMeant(path.relative(folder, file)) && (statSync(file).mode & 0o077) === 0))
    .flatMap((file) => secretsIn(contentsOf(file), planted).map((name) => `${path.relative(folder, file)}: ${name}`));
}

/** A server makes and removes files meanwhile. */
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

/** The same for the command lines of all processes on this machine, if they can be read. */
export function secretsInArguments(planted: Pick<PlantedSecrets, 'marks'>): string[] {
  if (!existsSync('/proc/self/cmdline')) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => secretsIn(commandLineOf(pid), planted).map((name) => `process ${pid}: ${name}`));
}

/** The process may end meanwhile. */
function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'latin1');
  } catch {
    return '';
  }
}
