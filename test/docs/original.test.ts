import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { analyticsAddress, loadConfig, sourceAddress } from '#libs/platform/config/config.ts';
import { SETTINGS } from '#libs/platform/config/settings.ts';
import { freePort } from '#libs/platform/embedded-postgres/embedded.ts';

/** The settings of the original PrepaData, with their defaults. */
const ORIGINAL: Readonly<Record<string, string>> = {
  SOURCE_DB_HOST: 'localhost',
  SOURCE_DB_PORT: '5432',
  SOURCE_DB_NAME: 'edupath',
  SOURCE_DB_USER: 'postgres',
  SOURCE_DB_PASSWORD: 'postgres',
  ANALYTICS_DB_HOST: 'localhost',
  ANALYTICS_DB_PORT: '5432',
  ANALYTICS_DB_NAME: 'analytics_db',
  ANALYTICS_DB_USER: 'postgres',
  ANALYTICS_DB_PASSWORD: 'postgres',
  API_HOST: '0.0.0.0',
  API_PORT: '8001',
  PIPELINE_SCHEDULE: '0 2 * * *',
  BATCH_SIZE: '1000',
  OUTLIER_THRESHOLD: '3',
  ENGAGEMENT_WEIGHTS: '0.3,0.3,0.2,0.2',
  CELERY_BROKER_URL: 'redis://localhost:6379/0',
  CELERY_RESULT_BACKEND: 'redis://localhost:6379/0',
};
/** Settings of parts that no longer exist. */
const IGNORED = ['CELERY_BROKER_URL', 'CELERY_RESULT_BACKEND'];

const ROOT = path.resolve(import.meta.dirname, '../..');
const page = readFileSync(path.join(ROOT, 'services/README.md'), 'utf8');
const chapter = /## From the original PrepaData\n([\s\S]*?)\n## /.exec(page)?.[1] ?? '';
const listed = new Map(
  [...chapter.matchAll(/^\| `(\w+)` \| `([^`]*)` \| (.*) \|$/gm)].map((match): [string, [string, string]] => [
    match[1] ?? '',
    [match[2] ?? '', match[3] ?? ''],
  ]),
);

describe('the chapter for those who come from the original', () => {
  test('an old file is read as it stands', () => {
    const config = loadConfig(ORIGINAL);
    expect(sourceAddress(config)).toMatchObject({ host: 'localhost', database: 'edupath', password: 'postgres' });
    expect(analyticsAddress(config)).toMatchObject({ host: 'localhost', database: 'analytics_db' });
    expect(config).toMatchObject({ API_HOST: '0.0.0.0', API_PORT: 8001, BATCH_SIZE: 1000 });
    expect(config.PIPELINE_SCHEDULE).toMatchObject({ pattern: '0 2 * * *' });
    expect(config.ENGAGEMENT_WEIGHTS).toEqual(loadConfig({}).ENGAGEMENT_WEIGHTS);
    expect(config.OUTLIER_THRESHOLD).toEqual(loadConfig({}).OUTLIER_THRESHOLD);
  });

  test('lists each default that is another here, and no other', () => {
    const settings: Readonly<Record<string, { readonly fallback: string | undefined }>> = SETTINGS;
    const differing = Object.entries(ORIGINAL).filter(
      ([name, value]) => !IGNORED.includes(name) && settings[name]?.fallback !== value,
    );
    expect([...listed.keys()].sort()).toEqual(differing.map(([name]) => name).sort());
    for (const [name, value] of differing) {
      const [before, here] = listed.get(name) ?? [];
      expect(before, name).toBe(value);
      const fallback = settings[name]?.fallback;
      if (fallback === undefined) expect(here, name).toMatch(/^unset/);
      else expect(here, name).toBe(fallback === '' ? 'empty' : `\`${fallback}\``);
    }
  });

  test('the command that reads it does so', async () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-env-'));
    const port = await freePort();
    const text = Object.entries({ ...ORIGINAL, SOURCE_DB_PORT: port }).map(([name, value]) => `${name}=${value}\n`);
    writeFileSync(path.join(folder, '.env'), text.join(''));
    const [, before = '', script = ''] =
      /^node (--env-file=)\.env (\S+) services\/sandbox\/local\/main\.ts$/m.exec(chapter) ?? [];
    const { stderr, status } = spawnSync(
      process.execPath,
      [`${before}${path.join(folder, '.env')}`, script, 'services/slot/main.ts'],
      { cwd: ROOT, encoding: 'utf8' },
    );
    rmSync(folder, { recursive: true });
    expect([status, stderr]).toEqual([1, expect.stringContaining(`the source database localhost:${port}/edupath`)]);
  });

  test('names what is ignored', () => {
    for (const name of IGNORED) {
      expect(chapter).toContain(`\`${name}\``);
      expect(Object.keys(SETTINGS)).not.toContain(name);
    }
  });
});
