import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { SETTINGS } from '#libs/platform/config/settings.ts';

/* What a program says it reads, against what the code it imports reads. */

const ROOT = path.resolve(import.meta.dirname, '../..');
const NAMES = Object.keys(SETTINGS);
const PROGRAMS = [
  'engagement',
  'performance',
  'anomaly',
  'reconcile',
  'erase',
  'api',
  'migrate',
  'register',
  'sandbox/campus',
  'sandbox/local',
];
/** Settings whose code is imported but never used: anomaly takes nothing in, erase needs only the analytics database. */
const NOT_OF: Readonly<Record<string, RegExp>> = {
  anomaly: /^SOURCE_(?!TIMEZONE)|^DIRECTORY$|^BATCH_SIZE$|^KAFKA_TOPIC_PREFIX$/,
  erase: /^SOURCE_DB_/,
};

const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

function importsOf(file: string): string[] {
  return [...read(file).matchAll(/^(?:import|export)\s+(?!type\b)[^;]*?from\s+'((?:#libs\/|\.)[^']+\.ts)'/gm)].map(
    ([, target = '']) =>
      target.startsWith('#libs/') ? target.slice(1) : path.posix.join(path.posix.dirname(file), target),
  );
}

/**
 * The settings that a file reads: `config.NAME`, destructured from `config` or in parameters, and through the functions
 * for addresses and source names.
 */
function readIn(file: string): string[] {
  const text = read(file);
  const members = [...text.matchAll(/\bconfig\.([A-Z][A-Z_]+)/g)].map((match) => match[1] ?? '');
  const taken = [...text.matchAll(/\{([^{}]*)\}(?:: SettingValues|\s*= (?:\w+\.)*config\b)/g)].flatMap(
    ([, names = '']) => names.match(/\b[A-Z][A-Z_]{3,}\b/g) ?? [],
  );
  const prefixes = [
    ...(/\bsourceAddress\(/.test(text) ? ['SOURCE_DB_'] : []),
    ...(/\banalyticsAddress\(/.test(text) ? ['ANALYTICS_DB_'] : []),
    ...(/\bnamesOf\(config\)/.test(text) ? ['SOURCE_SCHEMA', 'SOURCE_MAPPING', 'DIRECTORY'] : []),
  ];
  return [...members, ...taken, ...NAMES.filter((name) => prefixes.some((prefix) => name.startsWith(prefix)))];
}

function readBy(program: string): Set<string> {
  const seen = new Set<string>(['libs/platform/config/settings.ts', 'libs/platform/config/config.ts']);
  const names = new Set<string>();
  const follow = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    for (const name of readIn(file)) if (NAMES.includes(name)) names.add(name);
    for (const target of importsOf(file)) follow(target);
  };
  follow(program);
  return names;
}

function help(program: string): Promise<string> {
  const child = spawn(process.execPath, ['libs/platform/launch.mjs', program, '--help'], { cwd: ROOT });
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
  });
  return new Promise((resolve) => child.once('close', () => resolve(out)));
}

describe('--help prints the settings that a program reads, and no other', () => {
  test.each(PROGRAMS)('%s', async (name) => {
    const file = `services/${name}/main.ts`;
    const printed = [...(await help(file)).matchAll(/^ {2}([A-Z][A-Z_]+) /gm)].map((match) => match[1] ?? '');
    const isLeft = (each: string): boolean => !NOT_OF[name]?.test(each);
    expect(printed.toSorted(), 'which program reads what stands in libs/platform/config/groups.ts').toEqual(
      [...readBy(file)].filter(isLeft).toSorted(),
    );
    expect(printed.length).toBeGreaterThan(5);
  });
});

test('each setting is read by some program', () => {
  const byStack = ['STACK_DIR', 'STACK_PARTS_DIR'];
  const read = new Set([...byStack, ...PROGRAMS.flatMap((name) => [...readBy(`services/${name}/main.ts`)])]);
  expect(NAMES.filter((name) => !read.has(name))).toEqual([]);
});
