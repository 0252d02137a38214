import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { loadConfig } from '#libs/platform/config/config.ts';
import { LOG_MODULES, moduleLog, openLog } from '#libs/platform/log.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'prepadata-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** The lines of the file, once the writer has got that far. */
async function linesOf(file: string, count: number): Promise<Record<string, unknown>[]> {
  const read = (): string[] => readFileSync(file, 'utf8').trim().split('\n');
  await expect.poll(() => read().length).toBe(count);
  return read().map((line) => JSON.parse(line) as Record<string, unknown>);
}

test('a module has its own level, more or less than the rest, and its lines name it', async () => {
  const file = path.join(folder, 'log');
  const { LOG_LEVEL } = loadConfig({ LOG_LEVEL: 'info,relay=debug, source = error' });
  const log = openLog(LOG_LEVEL, { role: 'engagement', file });
  for (const each of [log, moduleLog(log, 'relay'), moduleLog(log, 'source')]) {
    each.debug('a detail');
    each.info('news');
    each.error('trouble');
  }
  const lines = await linesOf(file, 6);
  expect(lines.map(({ role, module, msg }) => [role, module, msg])).toEqual([
    ['engagement', undefined, 'news'],
    ['engagement', undefined, 'trouble'],
    ['engagement', 'relay', 'a detail'],
    ['engagement', 'relay', 'news'],
    ['engagement', 'relay', 'trouble'],
    ['engagement', 'source', 'trouble'],
  ]);
});

test('the module that is at work counts, whoever passed the log on', async () => {
  const file = path.join(folder, 'log');
  const relay = moduleLog(openLog(loadConfig({ LOG_LEVEL: 'warn,relay=debug' }).LOG_LEVEL, { file }), 'relay');
  const kafka = moduleLog(relay, 'kafka');
  expect([kafka.isLevelEnabled('info'), relay.isLevelEnabled('debug')]).toEqual([false, true]);
  kafka.warn('a broker is away');
  expect(readFileSync(file, 'utf8').match(/"module"/g) ?? (await linesOf(file, 1))).toHaveLength(1);
});

describe('LOG_LEVEL', () => {
  test.each([
    ['', { level: 'info', modules: {} }],
    ['warn', { level: 'warn', modules: {} }],
    ['relay=trace', { level: 'info', modules: { relay: 'trace' } }],
    ['api=silent,error', { level: 'error', modules: { api: 'silent' } }],
  ])('%s is understood', (text, levels) => {
    expect(loadConfig({ LOG_LEVEL: text }).LOG_LEVEL).toEqual(levels);
  });

  test.each([
    'loud',
    'info,rely=debug',
    'info,relay=loud',
    'info,relay',
    'info,debug',
    'relay=info,relay=warn',
    'info,',
    'relay=info=warn',
  ])('%s is refused, with the names that there are', (text) => {
    const refused = (): unknown => loadConfig({ LOG_LEVEL: text });
    expect(refused).toThrow(`LOG_LEVEL=${text} is not one of trace, debug, info, warn, error, silent`);
    expect(refused).toThrow(LOG_MODULES.join(', '));
  });
});
