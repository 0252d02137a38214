import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readIfThere } from '#libs/platform/file-if-there.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'prepadata-there-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

test('a file is read if it is there', () => {
  const file = path.join(folder, 'postmaster.pid');
  expect(readIfThere(file)).toBeUndefined();
  writeFileSync(file, '123\n');
  expect(readIfThere(file)).toBe('123\n');
});

test('one that comes and goes all the while never fails', async () => {
  const file = path.join(folder, 'flickering');
  const program = `const fs = require('node:fs'); process.stdout.write('.');
    for (const end = Date.now() + 500; Date.now() < end; ) { fs.writeFileSync(process.argv[1], 'x'); fs.rmSync(process.argv[1]); }`;
  const other = spawn(process.execPath, ['-e', program, file], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(other.stdout, 'data');
  const seen = new Set<string | undefined>();
  for (const end = Date.now() + 300; Date.now() < end; ) seen.add(readIfThere(file));
  expect(seen).toContain(undefined);
  await once(other, 'close');
});

test('what is there and cannot be read is an error', () => {
  expect(() => readIfThere(folder)).toThrow('EISDIR');
});
