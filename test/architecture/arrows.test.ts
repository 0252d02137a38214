import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';

const ROOT = path.resolve(import.meta.dirname, '../..');

/** Each room of libs and the rooms it may import from. Data flows the opposite way. */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  domain: [],
  features: ['domain'],
  clean: ['domain'],
  aggregate: ['domain', 'clean'],
  derive: ['domain', 'features', 'clean', 'aggregate'],
  platform: ['domain'],
  source: ['domain', 'platform'],
  store: ['domain', 'features', 'clean', 'aggregate', 'derive', 'platform', 'source'],
  families: ['domain', 'features', 'clean', 'aggregate', 'derive', 'platform', 'store'],
  pipeline: ['domain', 'features', 'clean', 'aggregate', 'derive', 'platform', 'source', 'store', 'families'],
  reconcile: ['domain', 'features', 'clean', 'aggregate', 'derive', 'platform', 'source', 'store', 'families'],
  serve: ['domain', 'features', 'clean', 'aggregate', 'platform', 'source', 'store'],
  dataset: ['domain', 'features', 'clean', 'aggregate', 'derive', 'platform', 'store', 'families', 'serve'],
  explain: ['domain', 'features', 'clean', 'aggregate', 'derive', 'platform', 'store', 'families', 'dataset', 'serve'],
};

/** Rooms without a server, timer or clock: the same input always gives the same output. */
const PURE = ['domain', 'features', 'clean', 'aggregate', 'derive'];

/** Packages that only one place may know. */
const ONLY_IN: Readonly<Record<string, readonly string[]>> = {
  kafkajs: ['libs/platform/kafka/'],
  snappyjs: ['libs/platform/kafka/'],
  'lz4-napi': ['libs/platform/kafka/'],
  fzstd: ['libs/platform/kafka/'],
  avsc: ['libs/platform/registry/'],
  koa: ['services/api/'],
  '@koa/router': ['services/api/'],
  '@koa/etag': ['services/api/'],
  'koa-compress': ['services/api/'],
  'hyparquet-writer': ['libs/dataset/parquet.ts'],
  croner: ['libs/platform/schedule.ts'],
  rxjs: ['libs/pipeline/', 'libs/source/', 'libs/platform/loop/'],
  'pg-copy-streams': ['libs/platform/postgres/'],
  'pg-logical-replication': ['libs/source/pgoutput/'],
  'prom-client': ['libs/platform/metrics'],
};

interface Import {
  readonly file: string;
  readonly target: string;
}

function sourceFiles(folder: string): string[] {
  return readdirSync(path.join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(ts|mjs)$/.test(name) && !name.includes('node_modules'))
    .map((name) => path.posix.join(folder, name.replaceAll(path.sep, '/')));
}

const read = (file: string): string => readFileSync(path.join(ROOT, file), 'utf8');

function importsOf(file: string): Import[] {
  return [
    ...read(file).matchAll(/^(?:import|export)\s[^;]*?from\s+'([^']+)'|^import\s+'([^']+)'|\bimport\('([^']+)'\)/gm),
  ].map((match) => ({
    file,
    target: match[1] ?? match[2] ?? match[3] ?? '',
  }));
}

/** The target of one of our imports, from the root of the project; undefined for packages. */
function pathOf({ file, target }: Import): string | undefined {
  if (target.startsWith('#libs/')) return target.slice(1);
  return target.startsWith('.') ? path.posix.join(path.posix.dirname(file), target) : undefined;
}

const files = [...sourceFiles('libs'), ...sourceFiles('services')];
const imports = files.flatMap(importsOf);
const roomOf = (file: string): string => file.split('/')[1] ?? '';

describe('imports run one way', () => {
  test('there is something to check', () => {
    expect(imports.length).toBeGreaterThan(100);
  });

  test('rooms of libs import only what lies upstream of them', () => {
    const wrong = imports.filter((item) => {
      const target = pathOf(item);
      if (!item.file.startsWith('libs/') || target === undefined) return false;
      if (!target.startsWith('libs/')) return true;
      const [from, to] = [roomOf(item.file), roomOf(target)];
      return from !== to && !MAY_IMPORT[from]?.includes(to);
    });
    expect(wrong).toEqual([]);
  });

  test('of the sources, others know the contract alone, but for the reconcile, which reads the source as they do', () => {
    const wrong = imports.filter((item) => {
      const target = pathOf(item);
      return (
        item.file.startsWith('libs/') &&
        roomOf(item.file) !== 'source' &&
        roomOf(item.file) !== 'reconcile' &&
        target?.startsWith('libs/source/') &&
        target !== 'libs/source/contract.ts'
      );
    });
    expect(wrong).toEqual([]);
  });

  test('a service knows no other service; only services/sandbox/local starts their roles', () => {
    const wrong = imports.filter((item) => {
      const target = pathOf(item);
      if (
        !item.file.startsWith('services/') ||
        !target?.startsWith('services/') ||
        roomOf(item.file) === roomOf(target)
      )
        return false;
      return !(roomOf(item.file) === 'sandbox' && target.endsWith('/role.ts'));
    });
    expect(wrong).toEqual([]);
  });

  test('no file imports itself by way of others', () => {
    const targetsOf = (file: string): (string | undefined)[] =>
      imports.filter((item) => item.file === file).map(pathOf);
    const done = new Set<string>();
    const circles: string[][] = [];
    const follow = (file: string, way: readonly string[]): void => {
      if (way.includes(file)) circles.push([...way.slice(way.indexOf(file)), file]);
      if (done.has(file) || way.includes(file)) return;
      for (const target of targetsOf(file)) {
        if (target !== undefined) follow(target, [...way, file]);
      }
      done.add(file);
    };
    for (const file of files) follow(file, []);
    expect(circles).toEqual([]);
  });

  test.each(Object.entries(ONLY_IN))('%s is known in one place', (name, places) => {
    const users = imports.filter(
      ({ file, target }) => target === name && !places.some((place) => file.startsWith(place)),
    );
    expect(users).toEqual([]);
  });
});

test('whoever opens a session of Postgres settles it, but for one that only looks whose it is', () => {
  const looks = 'libs/platform/postgres/pooler.ts';
  const opening = files.filter((file) => /new pg\.(Client|Pool)\(|new LogicalReplicationService\(/.test(read(file)));
  expect(opening.length).toBeGreaterThan(3);
  expect(opening.filter((file) => file !== looks && !/\b(settleSession|connectSettled)\(/.test(read(file)))).toEqual(
    [],
  );
});

test('waiting stands in one place: no other has a timer to wait with, or doubles a delay', () => {
  /** A race against a heartbeat, a wait before there is TypeScript, and one that keeps no process alive. */
  const races = ['libs/platform/kafka/batch.ts', 'libs/platform/launch.mjs', 'libs/reconcile/jobs/attempt.ts'];
  const waits =
    /setTimeout.* from 'node:timers\/promises'|setTimeout\(resolve|\b2 \* \w*(wait|retry|delay)\w*|(wait|retry|delay)\w* \* 2\b/i;
  expect(files.filter((file) => waits.test(read(file))).toSorted()).toEqual(
    [...races, 'libs/platform/retry.ts'].toSorted(),
  );
});

test('roles are wired in one place, for local, processes and tests', () => {
  const wires = /\bstart(Rollover|Topic|NotifyBus)\(/;
  const wired = [...files, ...sourceFiles('test/support')].filter((file) => wires.test(read(file)));
  const declared = ['rollover', 'notify-bus', 'topics/start'].map((name) => `libs/pipeline/${name}.ts`);
  expect(wired.filter((file) => !declared.includes(file))).toEqual(['libs/pipeline/pipeline.ts']);
});

describe('the middle is pure', () => {
  const pure = files.filter((file) => PURE.includes(roomOf(file)));

  test('features, clean, aggregate and derive have no clock, timer, process or server', () => {
    const effects = /\bDate\.now\(|\bnew Date\(\)|\bsetTimeout\(|\bsetInterval\(|\bprocess\.|\bfetch\(|\brandom\w*\(/;
    const allowed = 'libs/domain/clock.ts';
    expect(pure.filter((file) => file !== allowed && effects.test(read(file)))).toEqual([]);
  });

  test('and import no module of Node but its digests', () => {
    const wrong = imports.filter(({ file, target }) => pure.includes(file) && target.startsWith('node:'));
    expect(wrong.filter(({ target }) => target !== 'node:crypto')).toEqual([]);
  });
});

test('no file has grown past 400 lines', () => {
  const all = [...files, ...sourceFiles('test')];
  const long = all.map((file) => ({ file, lines: read(file).split('\n').length })).filter(({ lines }) => lines > 400);
  expect(long).toEqual([]);
});
