import { expect, test } from 'vitest';
import { read, stagesOf } from './files.ts';

const stages = stagesOf(read('Dockerfile'));
const role = stages.at(-1);
const ignored = read('.dockerignore')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'));

test('each base image is pinned to a version', () => {
  for (const { base } of stages) expect(base).toMatch(/^[\w./-]+:\d+\.\d+/);
  expect(role?.base).toMatch(/^node:\d+\.\d+\.\d+-/);
});

test('the image of the roles is the last one, and runs as nobody special', () => {
  expect(role?.name).toBe('role');
  const users = role?.instructions.filter(({ word }) => word === 'USER').map(({ rest }) => rest);
  expect(users).toEqual(['node']);
  const words = role?.instructions.map(({ word }) => word) ?? [];
  expect(words.indexOf('USER')).toBeGreaterThan(words.lastIndexOf('COPY'));
  expect(stages.find(({ name }) => name === 'connect')?.instructions.at(-1)).toEqual({ word: 'USER', rest: 'kafka' });
});

test('it holds the packages of the lock file, without those of development', () => {
  const runs = role?.instructions.filter(({ word }) => word === 'RUN').map(({ rest }) => rest) ?? [];
  expect(runs).toHaveLength(1);
  expect(runs[0]).toMatch(/^npm ci --omit=dev /);
  expect(read('package.json')).toContain('"tsx"');
  expect((JSON.parse(read('package.json')) as { dependencies: object }).dependencies).toHaveProperty('tsx');
});

test('no secret comes in: none is named, and the folder is sent without any', () => {
  for (const { instructions } of stages) {
    for (const { word, rest } of instructions) {
      expect(word).not.toBe('ARG');
      if (word === 'ENV') expect(rest).not.toMatch(/PASSWORD|TOKEN|SECRET|KEY/);
      if (word === 'COPY' && !rest.startsWith('--from=')) expect(rest).not.toMatch(/^\. |\.env/);
    }
  }
  expect(ignored[0]).toBe('*');
  expect(ignored).toContain('**/.env');
});

test('what is copied is sent', () => {
  const copied = stages
    .flatMap(({ instructions }) => instructions)
    .filter(({ word, rest }) => word === 'COPY' && !rest.startsWith('--'))
    .flatMap(({ rest }) => rest.split(' ').slice(0, -1));
  const sent = ignored.filter((line) => line.startsWith('!')).map((line) => line.slice(1));
  for (const path of copied) expect(sent, path).toContain(path.split('/')[0]);
});
