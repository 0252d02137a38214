import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');
const DECLARED =
  /^export (?:default )?(?:(?:declare|abstract|async) )*(?:(?:function\*?|const|let|class|interface|type|enum) +(\w+)|const +\{([^}]+)\})/gm;

/** What a file declares and exports; re-exports are counted where they are declared. */
function declaredIn(text: string): string[] {
  return [...text.matchAll(DECLARED)].flatMap(([, name, destructured]) =>
    name !== undefined
      ? [name]
      : (destructured ?? '')
          .split(',')
          .map((part) => part.split(':').at(-1)?.trim() ?? '')
          .filter((part) => part !== ''),
  );
}

const files = ['libs', 'services'].flatMap((folder) =>
  readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs)$/.test(name))
    .map((name) => path.posix.join(folder, name.replaceAll(path.sep, '/'))),
);

test('declarations are found, re-exports are not', () => {
  const text = `export { a } from './a.ts';\nexport type { A } from './a.ts';\nexport async function b() {}\nexport const { c: d, e } = f();\nexport type G = 1;\nexport abstract class H {}`;
  expect(declaredIn(text)).toEqual(['b', 'd', 'e', 'G', 'H']);
});

test('no two exported things bear one name: whoever reads a name need not ask which one is meant', () => {
  const places = new Map<string, Set<string>>();
  for (const file of files)
    for (const name of declaredIn(readFileSync(path.join(ROOT, file), 'utf8')))
      places.set(name, (places.get(name) ?? new Set()).add(file));
  expect(places.size).toBeGreaterThan(500);
  const twice = [...places].filter(([, where]) => where.size > 1).map(([name, where]) => `${name}: ${[...where]}`);
  expect(twice).toEqual([]);
});
