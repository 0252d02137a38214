import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { ROUTES } from '../../services/api/routes/index.ts';

const PAGE = readFileSync(new URL('../../services/README.md', import.meta.url), 'utf8');
const [, chapter = ''] = /\n## API\n([\s\S]*?)\n### /.exec(PAGE) ?? [];

/** A parameter's name is left to the page. */
const withoutNames = (path: string): string => path.replaceAll(/\{\w+\}|:\w+/g, '{}');

test('the page of the API has each route once, and no other', () => {
  const told = [...chapter.matchAll(/^\| (.+?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(GET|POST) (\/[^?`]*)/g)].map(
      ([, method = '', path = '']) => `${method} ${withoutNames(path)}`,
    ),
  );
  const served = ROUTES.map(({ method, path }) => `${method} ${withoutNames(path)}`);
  const advice = 'say in the table of services/README.md, "API", what it answers';
  expect(told.filter((route) => !/^GET \/$/.test(route)).toSorted(), advice).toEqual(served.toSorted());
});
