import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface LockedPackage {
  readonly license?: string;
  readonly dev?: boolean;
}

/** Licences that only ask to be named, by their SPDX ids; if a package offers a choice, any of these will do. */
const PERMISSIVE = ['0BSD', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'BlueOak-1.0.0', 'ISC', 'MIT', 'PostgreSQL'];
/** For packages that only tests and builds use: nothing of them is distributed. */
const ONLY_TO_BUILD = ['CC-BY-4.0', 'MPL-2.0'];

const { packages } = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8')) as {
  readonly packages: Readonly<Record<string, LockedPackage>>;
};
const locked = Object.entries(packages).filter(([name]) => name !== '');

const isFine = ({ license = 'none', dev = false }: LockedPackage): boolean => {
  const choices = license.replaceAll(/[()]/g, '').split(' OR ');
  return choices.some((choice) => PERMISSIVE.includes(choice) || (dev && ONLY_TO_BUILD.includes(choice)));
};

test('every package has a licence under which it may be passed on', () => {
  expect(locked.length).toBeGreaterThan(100);
  expect(locked.filter(([, item]) => !isFine(item)).map(([name, { license }]) => `${name}: ${license}`)).toEqual([]);
});
