import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';
import { ACTIVITY_TYPES } from '#libs/domain/activity-type.ts';
import { familyOf, SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import { AR } from '../../services/web/src/i18n/ar.ts';
import { EN } from '../../services/web/src/i18n/en.ts';
import { FR } from '../../services/web/src/i18n/fr.ts';
import type { Message } from '../../services/web/src/i18n/message.ts';

const SOURCES = path.resolve(import.meta.dirname, '../../services/web/src');
const code = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' })
  .filter((name) => /\.tsx?$/.test(name) && !/^i18n.(en|fr|ar)(-\w+)?\.ts$/.test(name))
  .map((name) => readFileSync(path.join(SOURCES, name), 'utf8'))
  .join('\n');

const languages: Readonly<Record<string, Readonly<Record<string, Message>>>> = { en: EN, fr: FR, ar: AR };
const keys = Object.keys(EN);
const formsOf = (message: Message | undefined): string[] =>
  message === undefined ? [] : typeof message === 'string' ? [message] : Object.values(message);
const placesOf = (text: string): string[] => [...new Set(text.match(/\{\w+\}/g) ?? [])].sort();

test.each(Object.keys(languages))('%s has every sentence, and no other', (language) => {
  expect(Object.keys(languages[language] ?? {}).sort()).toEqual([...keys].sort());
});

test('none is unused: each stands in the code, whole or as one of a kind', () => {
  const kinds = [...code.matchAll(/(?:t|word)\(`([\w.-]+\.)\$\{/g)].map(([, start]) => start ?? '');
  expect(kinds.length).toBeGreaterThan(2);
  const unused = keys.filter((key) => !code.includes(`'${key}'`) && !kinds.some((start) => key.startsWith(start)));
  expect(unused).toEqual([]);
});

test('every type of activity and every table has a word, by which rows are listed', () => {
  const tables = SOURCE_TABLES.filter((table) => familyOf(table) !== null).map((table) => `table.${table}`);
  const words = [...ACTIVITY_TYPES.map((type) => `said.${type}`), ...tables];
  expect(words.filter((word) => !(word in EN))).toEqual([]);
});

test.each(['fr', 'ar'])('%s fills in what English does, in each plural form', (language) => {
  for (const key of keys) {
    const wanted = new Set(formsOf(EN[key as keyof typeof EN]).flatMap(placesOf));
    for (const form of formsOf(languages[language]?.[key])) {
      // A form for one or two may spell the number out.
      const missing = [...wanted].filter((place) => place !== '{n}' && !placesOf(form).includes(place));
      expect(missing, `${key}: ${form}`).toEqual([]);
      expect(
        placesOf(form).filter((place) => !wanted.has(place)),
        `${key}: ${form}`,
      ).toEqual([]);
    }
  }
});

test.each(Object.entries(languages))(
  '%s has the plural forms that the language tells apart, or one for all',
  (language, all) => {
    const { pluralCategories } = new Intl.PluralRules(language).resolvedOptions();
    for (const [key, message] of Object.entries(all)) {
      if (typeof message === 'string') continue;
      for (const form of Object.keys(message)) expect(pluralCategories, key).toContain(form);
      expect(message.other).toContain('{n}');
    }
  },
);

test('Arabic counts a hundred in the genitive, which has no ending of its own, and not as it counts eleven', () => {
  const wrong = Object.entries(AR).filter(
    ([, message]) => typeof message !== 'string' && /\{n\} \S*ًا/.test(message.other),
  );
  expect(wrong).toEqual([]);
});

test('French has one word for a student', () => {
  expect(Object.entries(FR).filter(([, message]) => formsOf(message).some((form) => /étudiant/i.test(form)))).toEqual(
    [],
  );
});

test('no page has a sentence of its own', () => {
  const pages = readdirSync(SOURCES, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.tsx'));
  expect(pages.length).toBeGreaterThan(8);
  const words = pages.flatMap((name) =>
    [
      ...readFileSync(path.join(SOURCES, name), 'utf8').matchAll(
        /^\s+([A-Z][a-z]+(?: \w+)+)\s*$|>([A-Z][a-z]{2,}[^<{]*)</gm,
      ),
    ]
      .map(([, line, text]) => line ?? text ?? '')
      .filter((text) => text !== 'PrepaData')
      .map((text) => `${name}: ${text}`),
  );
  expect(words).toEqual([]);
});
