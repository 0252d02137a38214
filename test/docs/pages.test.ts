import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { SETTINGS } from '#libs/platform/config/settings.ts';

const ROOT = path.resolve(import.meta.dirname, '../..');
const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');
const listed = execFileSync('git', ['ls-files', '--cached', '--others', '--exclude-standard', '*.md'], {
  cwd: ROOT,
  encoding: 'utf8',
});
const pages = listed.split('\n').filter((file) => file !== '' && existsSync(path.join(ROOT, file)));
const scripts = Object.keys((JSON.parse(read('package.json')) as { scripts: Record<string, string> }).scripts);

/** Set for Connect on its own machine, in addition to our settings. */
const OF_CONNECT = ['SCHEMA_REGISTRY_PASSWORD'];
const SETTING_NAMES = [...Object.keys(SETTINGS), ...OF_CONNECT];

const withoutCode = (text: string): string => text.replaceAll(/```[\s\S]*?```/g, '').replaceAll(/`[^`\n]*`/g, '');

/** The anchor of a heading: lower case, without punctuation, spaces as hyphens. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .trim()
    .replaceAll(' ', '-');

const anchorsIn = (file: string): string[] =>
  [...read(file).matchAll(/^#{1,6} (.+)$/gm)].map((match) => anchorOf(match[1] ?? ''));

const linksIn = (file: string): string[] =>
  [...withoutCode(read(file)).matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] ?? '');

function isBroken(file: string, link: string): boolean {
  if (/^https?:/.test(link)) return false;
  const [target = '', anchor] = link.split('#');
  const linked = target === '' ? file : path.join(path.dirname(file), target);
  if (!existsSync(path.join(ROOT, linked))) return true;
  return anchor !== undefined && !anchorsIn(linked).includes(anchor);
}

test('the front page is short', () => {
  expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(150);
});

describe.each(pages)('%s', (file) => {
  test('has links that lead somewhere', () => {
    expect(linksIn(file).filter((link) => isBroken(file, link))).toEqual([]);
  });

  test('names settings that exist', () => {
    const named = [...read(file).matchAll(/`((?:KAFKA|SCHEMA_REGISTRY|CONNECT)_[A-Z_]+)(?:=[^`]*)?`/g)].map(
      ([, name = '']) => name,
    );
    expect(named.filter((name) => !SETTING_NAMES.includes(name))).toEqual([]);
  });

  test('names commands that exist', () => {
    const named = [...read(file).matchAll(/npm run (?:--silent )?([a-z][\w-]*(?::[\w-]+)*)/g)].map(
      (match) => match[1] ?? '',
    );
    expect(named.filter((name) => !scripts.includes(name))).toEqual([]);
  });
});
