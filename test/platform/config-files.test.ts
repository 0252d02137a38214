import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { loadConfig, namesOf } from '#libs/platform/config/config.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-config-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let count = 0;
/** A file with these contents. */
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

describe('SOURCE_MAPPING', () => {
  const EXAMPLE = { tables: { grades: { table: 'lms_grade', columns: { id: 'gid', grade_value: 'Value' } } } };
  const load = (content: unknown) =>
    loadConfig({ SOURCE_MAPPING: file(JSON.stringify(content)), SOURCE_SCHEMA: 'lms' });

  test('names nothing unless set, and then what it names', () => {
    expect(namesOf(loadConfig({})).areMapped).toBe(false);
    const names = namesOf(load(EXAMPLE));
    expect(names.of('grades')).toMatchObject({ sql: 'lms."lms_grade"', id: { name: 'gid', sql: '"gid"' } });
    expect(names.of('grades').columns.map(({ name }) => name)).toEqual([
      'gid',
      'student_id',
      'course_id',
      'grade_item',
      'Value',
      'grade_max',
      'timestamp',
    ]);
    expect(names.of('students').sql).toBe('lms.students');
    expect(names.of('students').columns.map(({ name }) => name)).toEqual(['id', 'firstname', 'lastname']);
    const nameless = namesOf(loadConfig({ DIRECTORY: 'off' }));
    expect(nameless.of('students').columns.map(({ name }) => name)).toEqual(['id']);
  });

  test.each([
    ['no object', [], /the whole is no JSON object/, /\{"tables": /],
    ['a member that is not known', { table: {} }, /the whole\.table is no member/, /name tables there/],
    [
      'a table that is not read',
      { tables: { pupils: {} } },
      /tables\.pupils is no table/,
      /name students, .*activity_logs there/,
    ],
    [
      'a member of a table',
      { tables: { grades: { colums: {} } } },
      /tables\.grades\.colums is no member/,
      /table, columns/,
    ],
    [
      'a column that is not read',
      { tables: { grades: { columns: { grade: 'x' } } } },
      /tables\.grades\.columns\.grade is no column of grades that is read/,
      /name id, student_id, .*timestamp there/,
    ],
    ['no name', { tables: { grades: { table: 5 } } }, /tables\.grades\.table is 5/, /up to 63 letters/],
    ['a name with a quote', { tables: { grades: { columns: { id: 'a"b' } } } }, /columns\.id is "a\\"b"/, /letters/],
    [
      'two columns of one name',
      { tables: { grades: { columns: { grade_value: 'grade_max' } } } },
      /tables\.grades\.columns: grade_value and grade_max would both be read from grade_max/,
      /a name of its own/,
    ],
    [
      'two tables of one name',
      { tables: { students: { table: 'user' }, courses: { table: 'user' } } },
      /tables: students and courses would both be read from user/,
      /a name of its own/,
    ],
  ])('%s is refused, with its place and what to do', (_what, content, place, remedy) => {
    expect(() => load(content)).toThrow(place);
    expect(() => load(content)).toThrow(remedy);
    expect(() => load(content)).toThrow(/SOURCE_MAPPING=.*\d\.txt: .*\d\.txt/);
  });

  test('a file that is no JSON, and one that is not there, are named', () => {
    expect(() => loadConfig({ SOURCE_MAPPING: file('{') })).toThrow(/\d\.txt is no JSON: .*write it like/);
    expect(() => loadConfig({ SOURCE_MAPPING: '/no/such/file' })).toThrow(/\/no\/such\/file cannot be read: ENOENT/);
  });
});

test('a byte order mark, which editors on Windows put first, is no part of a file', () => {
  const written = (contents: string): string => file(`\uFEFF${contents}`);
  const config = loadConfig({
    EXCLUDED_STUDENTS: `@${written(A)}`,
    ACTIVITY_ALIASES: written('{"seen": "view"}'),
    SOURCE_MAPPING: written('{"tables": {"grades": {"table": "marks"}}}'),
    SOURCE_DB_PASSWORD_FILE: written('secret\r\n'),
    API_TOKENS_FILE: written('# who may ask\r\nme:a-long-token-of-the-test:read\r\n'),
  });
  expect(config.EXCLUDED_STUDENTS).toEqual([A]);
  expect(config.ACTIVITY_ALIASES).toEqual(new Map([['seen', 'view']]));
  expect(config.SOURCE_MAPPING.grades?.table).toBe('marks');
  expect(config.SOURCE_DB_PASSWORD).toBe('secret');
  expect(config.API_TOKENS).toEqual(['me:a-long-token-of-the-test:read']);
});
