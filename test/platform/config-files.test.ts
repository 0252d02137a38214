import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { loadConfig } from '#libs/platform/config/config.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
/** A file with such contents. */
function file(contents: string): string {
  count += 1;
  const name = path.join(folder, `${count}.txt`);
  writeFileSync(name, contents);
  return name;
}

const A = '00000000-0000-4000-8000-00000000000a';
const B = '00000000-0000-4000-8000-00000000000b';

describe('EXCLUDED_STUDENTS', () => {
  const excluded = (value: string): readonly string[] => loadConfig({ EXCLUDED_STUDENTS: value }).EXCLUDED_STUDENTS;

  test('is nobody unless set', () => {
    expect(loadConfig({}).EXCLUDED_STUDENTS).toEqual([]);
  });

  test.each([
    ['commas', `${A},${B}`],
    ['white space', `${A} \t\n${B}`],
    ['both, and more of them', ` ${A} , ,\n${B}\n`],
  ])('is parted by %s', (_what, value) => {
    expect(excluded(value)).toEqual([A, B]);
  });

  test('may stand in a file', () => {
    expect(excluded(`@${file(`${A}\n${B}\n`)}`)).toEqual([A, B]);
    expect(excluded(`@${file('')}`)).toEqual([]);
  });

  test('is read in either case', () => {
    expect(excluded(A.toUpperCase())).toEqual([A]);
  });

  test.each(['17', 'student', `${A}0`, `${A};${B}`, `{${A}}`, A.slice(1), `${A},x`, '@/no/such/file'])(
    '%s is refused',
    (value) => {
      expect(() => excluded(value)).toThrow(ConfigurationError);
      expect(() => excluded(value)).toThrow('EXCLUDED_STUDENTS');
    },
  );

  test('a file with anything else in it is refused', () => {
    expect(() => excluded(`@${file(`${A}\nteacher`)}`)).toThrow('EXCLUDED_STUDENTS');
  });
});

describe('ACTIVITY_ALIASES', () => {
  const aliases = (contents: string) => loadConfig({ ACTIVITY_ALIASES: file(contents) }).ACTIVITY_ALIASES;

  test('has no words of its own unless set', () => {
    expect(loadConfig({}).ACTIVITY_ALIASES.size).toBe(0);
  });

  test('is a file of words and their types; words are trimmed and in lower case', () => {
    expect([...aliases('{"badge": "view", " Certificate\\t": "completion", "post": "other"}')]).toEqual([
      ['badge', 'view'],
      ['certificate', 'completion'],
      ['post', 'other'],
    ]);
  });

  test('may be empty', () => {
    expect(aliases('{}').size).toBe(0);
  });

  test.each([
    '{"badge": "views"}',
    '{"badge": null}',
    '{"badge": "View"}',
    '{"badge": 1}',
    '["badge"]',
    '"badge"',
    'null',
    '',
    '{',
  ])('a file of %s is refused', (contents) => {
    expect(() => aliases(contents)).toThrow(ConfigurationError);
    expect(() => aliases(contents)).toThrow('ACTIVITY_ALIASES');
  });

  test('a file that is not there is refused', () => {
    expect(() => loadConfig({ ACTIVITY_ALIASES: path.join(folder, 'none') })).toThrow('ACTIVITY_ALIASES');
  });
});
