import { closeSync, mkdtempSync, openSync, readdirSync, readFileSync, rmSync, statSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { pino } from 'pino';
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest';

/** The free space of the disk in bytes; null: the real one's. */
const disk = vi.hoisted(() => ({ room: null as number | null, code: 'ENOSPC', tries: 0 }));
vi.mock('node:fs', async (original) => {
  const fs = await original<typeof import('node:fs')>();
  return {
    ...fs,
    writeSync: (fd: number, bytes: Buffer): number => {
      disk.tries += 1;
      if (disk.room === null) return fs.writeSync(fd, bytes);
      if (disk.room === 0) throw Object.assign(new Error(`${disk.code}: no room`), { code: disk.code });
      const written = fs.writeSync(fd, bytes.subarray(0, disk.room));
      disk.room -= written;
      return written;
    },
  };
});
// Test files share modules: this one loads its own, on the disk above, and leaves none behind.
vi.resetModules();
const { droppedLines, LogWriter, shorten } = await import('#libs/platform/log-writer.ts');
afterAll(() => {
  vi.resetModules();
});

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'prepadata-log-'));
  file = path.join(folder, 'logs', 'the.log');
  disk.room = null;
  disk.code = 'ENOSPC';
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const lines = (name = file): string[] => readFileSync(name, 'utf8').trimEnd().split('\n');
const log = (options: object = {}) => pino({ base: null, timestamp: false }, new LogWriter({ file, ...options }));
const said = (name = file): unknown[] => lines(name).map((line) => (JSON.parse(line) as { msg: string }).msg);

test('a file is for its owner alone, and goes on where it ended', () => {
  log().info('one');
  log().info('two');
  expect(said()).toEqual(['one', 'two']);
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('one that is long begins anew; a few that ended are kept, and no line is lost between them', () => {
  const writing = log({ maxBytes: 300, kept: 2 });
  for (let n = 1; n <= 40; n += 1) writing.info(`line ${n}`);
  expect(readdirSync(path.dirname(file)).sort()).toEqual(['the.log', 'the.log.1', 'the.log.2']);
  const kept = ['.2', '.1', ''].flatMap((end) => said(file + end));
  expect(kept).toEqual(Array.from({ length: kept.length }, (_, n) => `line ${41 - kept.length + n}`));
  for (const end of ['', '.1', '.2']) expect(statSync(file + end).size).toBeLessThanOrEqual(300);
});

test('the size of what was there before counts', () => {
  log().info('x'.repeat(200));
  log({ maxBytes: 300 }).info('y'.repeat(200));
  expect(said(`${file}.1`)).toEqual(['x'.repeat(200)]);
});

test('a file that cannot be begun anew goes on', () => {
  const writing = log({ maxBytes: 100, kept: 1 });
  writing.info('a'.repeat(80));
  rmSync(path.dirname(file), { recursive: true });
  const before = droppedLines();
  for (let n = 0; n < 5; n += 1) writing.info('b'.repeat(80));
  expect(droppedLines() - before).toBe(0);
});

test('lines that the disk has no room for are dropped and counted; when it has, the log says how many', () => {
  const before = droppedLines();
  const writing = log();
  writing.info('there');
  disk.room = 10;
  for (let n = 0; n < 3; n += 1) writing.info('gone');
  expect(droppedLines() - before).toBe(3);
  disk.room = null;
  writing.info('there again');
  const [first, cut, ...rest] = lines();
  expect([first, cut]).toEqual(['{"level":30,"msg":"there"}', '{"level":3']);
  expect(rest.map((line) => JSON.parse(line))).toEqual([
    { level: 40, time: expect.any(String), dropped: 3, msg: expect.stringMatching(/missing here: 3 \(ENOSPC/) },
    { level: 30, msg: 'there again' },
  ]);
  writing.info('on');
  expect(lines()).toHaveLength(5);
});

test('a reader that is slow is waited for once, and not with each line', () => {
  const before = droppedLines();
  const writing = log();
  disk.room = 0;
  disk.code = 'EAGAIN';
  const triesOf = (lines: number): number => {
    disk.tries = 0;
    for (let n = 0; n < lines; n += 1) writing.info('nobody takes it');
    return disk.tries;
  };
  expect(triesOf(1)).toBeGreaterThan(1);
  expect(triesOf(99)).toBe(99);
  expect(droppedLines() - before).toBe(100);
});

test('the log of a program that goes on writing it is shortened under its hands', () => {
  const theirs = path.join(folder, 'theirs.log');
  const fd = openSync(theirs, 'a');
  writeSync(fd, Buffer.from('x'.repeat(300)));
  shorten(theirs, 300);
  expect(statSync(theirs).size).toBe(300);
  writeSync(fd, Buffer.from('y'));
  shorten(theirs, 300);
  writeSync(fd, Buffer.from('z'));
  closeSync(fd);
  expect(readFileSync(theirs, 'utf8')).toBe('z');
  expect(readFileSync(`${theirs}.1`, 'utf8')).toBe(`${'x'.repeat(300)}y`);
  shorten(path.join(folder, 'not-there'));
});

test('lines are changed in every file there is, also where files end meanwhile', async () => {
  const writer = new LogWriter({ file, maxBytes: 40, kept: 3 });
  for (let n = 0; n < 12; n += 1) writer.write(`secret ${n}\n`);
  const changing = writer.rewrite((line) => (line === 'secret 4' ? null : line.replace('secret', 'hidden')));
  for (let n = 0; n < 4; n += 1) writer.write(`news ${n}\n`);
  await changing;
  const text = readdirSync(path.dirname(file)).map((name) => readFileSync(path.join(path.dirname(file), name), 'utf8'));
  expect(text.join('')).not.toContain('secret');
  expect(text.join('')).toContain('hidden 11');
  writer.write('last\n');
  expect(lines().at(-1)).toBe('last');
});
