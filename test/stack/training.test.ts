import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import {
  archivesIn,
  isTrained,
  keepRecorded,
  recordedClasses,
  sharedClasses,
} from '../../services/sandbox/stack/parts/class-archive.ts';

const PATH = process.env['PATH'] ?? '';
const ASKED = 143;

let parts: string;

beforeEach(() => {
  parts = mkdtempSync(path.join(tmpdir(), 'prepadata-training-'));
  mkdirSync(archivesIn(parts));
  useJava('17.0.1');
});

afterEach(() => {
  process.env['PATH'] = PATH;
  rmSync(parts, { recursive: true, force: true });
});

/** Puts a Java on the PATH that only reports its version. */
function useJava(version: string): void {
  const bin = path.join(parts, `java-${version}`);
  mkdirSync(bin, { recursive: true });
  const script = `[ "$1" = -version ] && echo "$JDK_JAVA_OPTIONS openjdk ${version}" >&2`;
  writeFileSync(path.join(bin, 'java'), `#!/bin/sh\n${script}\n`);
  chmodSync(path.join(bin, 'java'), 0o755);
  process.env['PATH'] = `${bin}:${PATH}`;
}

const archived = (): string[] => readdirSync(archivesIn(parts));
const fileIn = (options: readonly string[], option: string): string =>
  options.find((each) => each.startsWith(option))?.slice(option.length) ?? '';

/** Acts like a JVM that is asked to end. */
async function record(name: 'broker' | 'connect', code: number | null): Promise<void> {
  const draft = fileIn(await recordedClasses(parts, name), '-XX:ArchiveClassesAtExit=');
  writeFileSync(draft, 'classes');
  await keepRecorded(parts, name, code);
}

test('what a JVM wrote that ended in good order is used from then on, by its own part', async () => {
  expect(await sharedClasses(parts, 'broker')).toEqual([]);
  await record('broker', ASKED);
  const file = fileIn(await sharedClasses(parts, 'broker'), '-XX:SharedArchiveFile=');
  expect(archived()).toEqual([path.basename(file)]);
  expect([await isTrained(parts, 'broker'), await isTrained(parts, 'connect')]).toEqual([true, false]);
  expect(await sharedClasses(parts, 'connect')).toEqual([]);
});

test('of one that was killed or ended by itself nothing is used', async () => {
  await record('broker', null);
  await record('broker', 1);
  expect(await sharedClasses(parts, 'broker')).toEqual([]);
});

test('an archive that is cut short, on which a JVM crashes, is not used, and is made anew', async () => {
  await record('broker', ASKED);
  writeFileSync(path.join(archivesIn(parts), archived()[0] ?? ''), 'cla');
  expect(await sharedClasses(parts, 'broker')).toEqual([]);
  expect(await isTrained(parts, 'broker')).toBe(false);
  await record('broker', ASKED);
  expect(await sharedClasses(parts, 'broker')).not.toEqual([]);
});

test('another Java has its own', async () => {
  await record('broker', ASKED);
  useJava('21.0.2');
  expect(await isTrained(parts, 'broker')).toBe(false);
  expect(await sharedClasses(parts, 'broker')).toEqual([]);
});

test('options of the JVM do not make it another', async () => {
  await record('broker', ASKED);
  const made = await sharedClasses(parts, 'broker');
  vi.stubEnv('JDK_JAVA_OPTIONS', '-XX:TieredStopAtLevel=1');
  // On a PATH not looked up before.
  process.env['PATH'] = `${process.env['PATH']}:${parts}`;
  expect(await sharedClasses(parts, 'broker')).toEqual(made);
  vi.unstubAllEnvs();
});

test('without Java there is nothing to be made', async () => {
  process.env['PATH'] = path.join(parts, 'nothing');
  expect(await isTrained(parts, 'broker')).toBe(true);
  expect([await sharedClasses(parts, 'broker'), await recordedClasses(parts, 'broker')]).toEqual([[], []]);
});
