import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ConfigurationError, UnrecoverableError } from '#libs/domain/errors.ts';
import { completeParts, type FetchProgress, fetchParts, isComplete } from '../../services/sandbox/stack/parts/fetch.ts';
import { type PartsLock, POM_FILE, readLock } from '../../services/sandbox/stack/parts/lock-file.ts';
import { parseMavenProgress } from '../../services/sandbox/stack/parts/maven.ts';

const PATH = process.env['PATH'] ?? '';
const FILES = {
  'archives/registry.zip': 'an archive',
  'libs/kafka.jar': 'a jar',
  'plugins/apicurio-converter/converter.jar': 'another jar',
};
const pinsOf = (files: Readonly<Record<string, string>>): PartsLock =>
  Object.fromEntries(
    Object.entries(files).map(([name, text]) => [
      name,
      { sha256: createHash('sha256').update(text).digest('hex'), bytes: text.length },
    ]),
  );
const LOCK = pinsOf(FILES);

let root: string;
let folder: string;

/** Puts a Maven on the PATH that slowly writes these files and records each call. */
function fakeMaven(files: Readonly<Record<string, string>>): void {
  const bin = path.join(root, 'bin');
  mkdirSync(bin, { recursive: true });
  const lines = Object.entries(files).map(
    ([name, text]) => `mkdir -p "$out/$(dirname ${name})" && printf '%s' '${text}' > "$out/${name}"`,
  );
  const script = [
    '#!/bin/sh',
    `echo called >> ${root}/calls`,
    'for each in "$@"; do case "$each" in -Dparts.out=*) out="$' + '{each#-Dparts.out=}";; esac; done',
    'sleep 0.3',
    ...lines,
  ];
  writeFileSync(path.join(bin, 'mvn'), `${script.join('\n')}\n`);
  chmodSync(path.join(bin, 'mvn'), 0o755);
  process.env['PATH'] = `${bin}:${PATH}`;
}

const calls = (): number => readFileSync(path.join(root, 'calls'), 'utf8').trim().split('\n').length;

beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'prepadata-fetch-'));
  folder = path.join(root, 'parts');
});

afterEach(() => {
  process.env['PATH'] = PATH;
  rmSync(root, { recursive: true, force: true });
});

describe('fetching the parts', () => {
  test('happens once; what is there is used without Maven', async () => {
    fakeMaven(FILES);
    const steps: FetchProgress[] = [];
    expect(await fetchParts({ folder, lock: LOCK, onProgress: (progress) => steps.push(progress) })).toBe(folder);
    expect(steps.map(({ step }) => step)).toEqual(['fetching', 'verifying', 'done']);
    expect(steps.at(-1)).toMatchObject({ done: 26, total: 26 });
    expect(existsSync(path.join(folder, 'libs/kafka.jar'))).toBe(true);
    // The archives have been checked and unpacked, so they need not stay.
    expect(existsSync(path.join(folder, 'archives'))).toBe(false);
    process.env['PATH'] = root;
    await fetchParts({ folder, lock: LOCK });
    expect(calls()).toBe(1);
  });

  test('several at once fetch it once and all find it whole', async () => {
    fakeMaven(FILES);
    await Promise.all([1, 2, 3].map(() => fetchParts({ folder, lock: LOCK })));
    expect(calls()).toBe(1);
    expect(readdirSync(root).sort()).toEqual(['bin', 'calls', 'parts']);
  });

  test('goes on where a process that fetched was killed', async () => {
    fakeMaven(FILES);
    writeFileSync(`${folder}.lock`, JSON.stringify({ pid: process.pid, startedAt: 'in another life', command: '' }));
    await fetchParts({ folder, lock: LOCK });
    expect(isComplete(folder, LOCK)).toBe(true);
  });

  test('another pin fetches anew, and what was there before is gone', async () => {
    fakeMaven({ ...FILES, 'libs/old.jar': 'an old jar' });
    await fetchParts({ folder, lock: pinsOf({ ...FILES, 'libs/old.jar': 'an old jar' }) });
    const newer = { ...FILES, 'libs/kafka.jar': 'a newer jar' };
    expect(isComplete(folder, pinsOf(newer))).toBe(false);
    fakeMaven(newer);
    await fetchParts({ folder, lock: pinsOf(newer) });
    expect(readFileSync(path.join(folder, 'libs/kafka.jar'), 'utf8')).toBe('a newer jar');
    expect(readdirSync(path.join(folder, 'libs'))).toEqual(['kafka.jar']);
  });

  test('refuses a file that is not what is pinned, names it, says what to do and keeps nothing', async () => {
    fakeMaven({ ...FILES, 'libs/kafka.jar': 'a jaR' });
    const refused = fetchParts({ folder, lock: LOCK });
    await expect(refused).rejects.toBeInstanceOf(UnrecoverableError);
    await expect(refused).rejects.toThrow(/libs\/kafka\.jar has sha256 [0-9a-f]{64}, and not /);
    await expect(refused).rejects.toMatchObject({ hint: expect.stringContaining('relock.ts') });
    expect(readdirSync(root).sort()).toEqual(['bin', 'calls']);
  });

  test('refuses a file too many and a file too few', async () => {
    const { 'libs/kafka.jar': _, ...fewer } = FILES;
    fakeMaven({ ...fewer, 'libs/stranger.jar': 'who is this' });
    const refused = fetchParts({ folder, lock: LOCK });
    await expect(refused).rejects.toThrow('libs/kafka.jar is missing');
    await expect(refused).rejects.toThrow('libs/stranger.jar is not in the lock file');
  });

  test('without Maven says what to install', async () => {
    mkdirSync(path.join(root, 'empty'));
    process.env['PATH'] = path.join(root, 'empty');
    const refused = fetchParts({ folder, lock: LOCK });
    await expect(refused).rejects.toBeInstanceOf(ConfigurationError);
    await expect(refused).rejects.toMatchObject({ hint: expect.stringContaining('install Maven') });
    expect(() => completeParts(folder)).toThrow(ConfigurationError);
  });
});

describe('the lock file', () => {
  const lock = readLock();
  const has = (name: string): boolean => Object.hasOwn(lock, name);

  test('pins the versions of pom.xml', () => {
    const pom = readFileSync(POM_FILE, 'utf8');
    const [kafka, log4j, debezium, apicurio] = ['kafka', 'log4j', 'debezium', 'apicurio'].map(
      (part) => new RegExp(`<${part}\\.version>([^<]+)<`).exec(pom)?.[1],
    );
    expect(has(`libs/kafka_2.13-${kafka}.jar`)).toBe(true);
    expect(has(`libs/kafka-clients-${kafka}.jar`)).toBe(true);
    expect(has(`libs/connect-runtime-${kafka}.jar`)).toBe(true);
    expect(has(`libs/log4j-core-${log4j}.jar`)).toBe(true);
    expect(has(`libs/log4j-slf4j-impl-${log4j}.jar`)).toBe(true);
    expect(has(`archives/debezium-connector-postgres-${debezium}-plugin.tar.gz`)).toBe(true);
    expect(has(`archives/apicurio-registry-app-${apicurio}-all.zip`)).toBe(true);
    expect(has(`plugins/apicurio-converter/apicurio-registry-utils-converter-${apicurio}.jar`)).toBe(true);
  });

  test('has nothing in the folder of the converter that Connect brings itself', () => {
    const clashing = Object.keys(lock).filter((name) =>
      /^plugins\/.*\/(connect-api|connect-json|kafka-clients|slf4j-api)-/.test(name),
    );
    expect(clashing).toEqual([]);
  });
});

test("progress is read from Maven's own words, in whatever pieces they come", () => {
  const lock: PartsLock = {
    'archives/a.zip': { sha256: '', bytes: 142_000_000 },
    'libs/b.jar': { sha256: '', bytes: 50_000 },
    'plugins/apicurio-converter/b.jar': { sha256: '', bytes: 50_000 },
  };
  const seen: number[] = [];
  const read = parseMavenProgress(lock, (bytes) => seen.push(bytes));
  read('Downloading from central: https://x/b.jar\nProgress (1): 12 k');
  read('B\rDownloaded from central: https://x/b.jar (50 kB at 1 MB/s)\n');
  read('Progress (2): 22/142 MB | 30/50 kB\r');
  read('Downloaded from central: https://x/b.jar (again)\nDownloaded from central: https://x/a.zip (142 MB)\n');
  expect(seen).toEqual([0, 50_000, 22_080_000, 50_000, 142_050_000]);
});
