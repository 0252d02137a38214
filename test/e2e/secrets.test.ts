import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { freePort } from '#libs/platform/embedded-postgres/embedded.ts';
import type { Logins } from '#libs/platform/embedded-postgres/logins.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { ROUTES } from '../../services/api/routes/index.ts';
import { seedCampus } from '../../services/sandbox/campus/seed.ts';
import { createSourceDatabase, createTestDatabase, type TestDatabase } from '../support/database.ts';
import {
  newMark,
  type PlantedSecrets,
  plantSecrets,
  secretsIn,
  secretsInArguments,
  secretsInFiles,
} from '../support/secrets.ts';
import { newDataDir, Program } from './program.ts';
import { RoleProcess } from './role-process.ts';

/*
 * No program writes a secret anywhere, on good days or on bad ones: each secret setting of the table holds a mark, in
 * each way in which it can be given.
 */

/** Every program, as `services/<name>/main.ts`, with its arguments. */
const PROGRAMS: readonly (readonly [name: string, ...words: string[]])[] = [
  ['engagement'],
  ['performance'],
  ['anomaly'],
  ['reconcile'],
  ['reconcile', '--once'],
  ['api'],
  ['migrate'],
  ['register', '--status'],
  ['register', '--watch'],
  ['slot'],
  ['slot', '--drop'],
  ['today'],
  ['erase', '--student', '00000000-0000-4000-8000-000000000001', '--dry-run'],
  ['catalogue'],
  ['sandbox/campus'],
  ['sandbox/campus/oulad', '--dir', '/nowhere', '--presentation', 'AAA-2013J'],
  ['sandbox/local'],
];

const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-secrets-'));
const LOUD = { LOG_LEVEL: 'trace', API_PORT: '0', SOURCE_SLOT_LIMIT: 'none' };
let source: TestDatabase;
let analytics: TestDatabase;
/** A port where nobody answers. */
let nobody: string;

beforeAll(async () => {
  [source, analytics] = await Promise.all([createSourceDatabase('secrets'), createTestDatabase('secrets_to')]);
  await seedCampus(source.db, { students: 5, seed: '3', now: Date.now() });
  nobody = String(await freePort());
});
afterAll(async () => {
  await Promise.all([source.drop(), analytics.drop()]);
  rmSync(folder, { recursive: true, force: true });
});

/** A user who owns nothing. */
const STRANGER = 64_321;

let count = 0;
/** A separate folder for what a program writes. */
function ownFolder(): Record<string, string> {
  count += 1;
  const own = path.join(folder, String(count));
  mkdirSync(own);
  return { DATA_DIR: path.join(own, 'data'), API_ACCESS_RECORD: path.join(own, 'access.log') };
}

/**
 * Runs it until it ends, or until it has said something and had a while to say more. @returns what it wrote, and where
 * secrets were found
 */
async function tryOut(
  [name, ...words]: (typeof PROGRAMS)[number],
  env: Readonly<Record<string, string>>,
  planted: PlantedSecrets,
): Promise<{ readonly output: string; readonly found: readonly string[] }> {
  const own = ownFolder();
  const process = new RoleProcess(name, { ...LOUD, ...own, ...env }, words);
  for (const until = Date.now() + 120_000; process.isRunning && process.output === '' && Date.now() < until; )
    await sleep(50);
  for (let n = 0; process.isRunning && n < 20; n += 1) await sleep(50);
  const inArguments = secretsInArguments(planted);
  await process.end('SIGTERM');
  const where = path.dirname(own['API_ACCESS_RECORD'] ?? '');
  return {
    output: process.output,
    found: [...secretsIn(process.output, planted), ...inArguments, ...secretsInFiles(where, planted, isKept)],
  };
}

/** Files that exist to hold secrets, readable by their owner alone. */
const isKept = (file: string): boolean => /(^|\/)(logins\.json|running\.json|erasure\.key)$/.test(file);

const away = (port: string): Record<string, string> => ({
  SOURCE_DB_HOST: '127.0.0.1',
  SOURCE_DB_PORT: port,
  ANALYTICS_DB_HOST: '127.0.0.1',
  ANALYTICS_DB_PORT: port,
});
const withLogins = (mark: string, port: string): Record<string, string> => ({
  CDC_SOURCE: 'kafka',
  KAFKA_SECURITY_PROTOCOL: 'SASL_SSL',
  KAFKA_SASL_USERNAME: 'somebody',
  KAFKA_BROKERS: `127.0.0.1:${port}`,
  SCHEMA_REGISTRY_URL: `http://in-url:${mark}@127.0.0.1:${port}/apis/ccompat/v7`,
  CONNECT_URL: `http://in-url:${mark}@127.0.0.1:${port}`,
});

describe('on bad days', () => {
  const inUrl = newMark();
  const planted = plantSecrets({ 'a URL': inUrl });
  const databases = (): Record<string, string> => ({
    ...addressEnv('SOURCE_DB', source.address),
    ...addressEnv('ANALYTICS_DB', analytics.address),
  });
  /** Settings filled in by somebody who takes each for a connection string. */
  const strings = {
    SOURCE_DB_HOST: `postgres://lms:${inUrl}@127.0.0.1/lms`,
    ANALYTICS_DB_HOST: `postgres://lms:${inUrl}@127.0.0.1/lms`,
    KAFKA_BROKERS: `SASL_SSL://user:${inUrl}@127.0.0.1:1`,
    SCHEMA_REGISTRY_URL: `registry:${inUrl}@127.0.0.1:1`,
    CONNECT_URL: `user:${inUrl}@127.0.0.1`,
  };
  /** What the configuration alone refuses is refused in one place for all programs, so a few stand for all. */
  const FEW = PROGRAMS.filter(([name]) => ['api', 'register', 'slot', 'sandbox/local'].includes(name));
  const DAYS: readonly (readonly [string, typeof PROGRAMS, () => Record<string, string>])[] = [
    [
      'everybody is away, secrets in the environment',
      PROGRAMS,
      () => ({ ...planted.env, ...withLogins(inUrl, nobody), ...away(nobody) }),
    ],
    [
      'wrong passwords, secrets in files',
      PROGRAMS,
      () => {
        const { SOURCE_DB_PASSWORD: _, ANALYTICS_DB_PASSWORD: __, ...rest } = databases();
        return { ...withLogins(inUrl, nobody), ...rest, ...planted.inFiles(path.join(folder, `files-${count}`)) };
      },
    ],
    [
      'servers that offer no encryption',
      FEW,
      () => ({ ...databases(), ...planted.env, SOURCE_DB_SSLMODE: 'verify-full', ANALYTICS_DB_SSLMODE: 'require' }),
    ],
    ['connection strings in the wrong place', FEW, () => ({ ...planted.env, ...strings })],
    [
      'secrets that are none',
      FEW,
      () => ({ ...planted.misshapen, ...withLogins(inUrl, nobody), ...away(nobody), BATCH_SIZE: 'many' }),
    ],
  ];

  test.each(DAYS)('%s', { timeout: 300_000 }, async (_, programs, env) => {
    const left = [...programs];
    const leaks: Record<string, readonly string[]> = {};
    let said = 0;
    const work = async (): Promise<void> => {
      for (let program = left.shift(); program !== undefined; program = left.shift()) {
        const { output, found } = await tryOut(program, env(), planted);
        if (output !== '') said += 1;
        if (found.length > 0) leaks[program.join(' ')] = [...found, output.slice(0, 600)];
      }
    };
    await Promise.all(Array.from({ length: 6 }, work));
    expect(leaks).toEqual({});
    expect(said).toBe(programs.length);
  });
});

/** The whole body; of an endless stream of events, only its beginning. */
async function bodyOf(answer: Response): Promise<string> {
  if (!answer.headers.get('content-type')?.startsWith('text/event-stream')) return answer.text();
  const reader = answer.body?.getReader();
  const first = await reader?.read();
  await reader?.cancel();
  return new TextDecoder().decode(first?.value);
}

describe('npm start on a good day', () => {
  const planted = plantSecrets();
  const program = new Program(newDataDir());
  const bearer = { authorization: `Bearer ${planted.marks.get('API_TOKENS')}` };

  beforeAll(async () => {
    const { API_TOKENS_FILE = '', ERASURE_KEY_FILE = '' } = planted.inFiles(path.join(folder, 'of-start'));
    // The other planted settings would replace the embedded databases, or the clients.
    const { ERASURE_KEY = '' } = planted.env;
    program.start({ ...LOUD, API_TOKENS_FILE, ...(ERASURE_KEY_FILE === '' ? { ERASURE_KEY } : { ERASURE_KEY_FILE }) });
    while (!program.output.includes('PrepaData is running')) {
      if (!program.isRunning) throw new Error(`the program ended:\n${program.output}`);
      await sleep(100);
    }
  }, 300_000);
  afterAll(() => program.cleanUp());

  const loginsOf = (name: string): Logins =>
    JSON.parse(readFileSync(path.join(program.dataDir, name, 'logins.json'), 'utf8')) as Logins;

  /** Every route, asked with a valid token, without one, and with malformed requests. */
  async function askAll(): Promise<string> {
    let told = '';
    for (const { path: route, method = 'GET' } of ROUTES) {
      for (const headers of [
        bearer,
        {},
        { authorization: 'Bearer wrong' },
        { ...bearer, 'content-type': 'text/plain' },
      ]) {
        const body = method === 'POST' ? { body: '{"mode": "none"}' } : {};
        const url = `${program.url}${route.replaceAll(/:\w+/g, '1')}${method === 'GET' ? '' : '?limit=x'}`;
        const answer = await fetch(url, { method, headers, ...body });
        told += `${JSON.stringify([...answer.headers])}${await bodyOf(answer)}`;
      }
    }
    return told;
  }

  test('no password but the right one opens its databases', async () => {
    const { source, analytics } = program.runFile;
    const doors = [source, analytics].flatMap((address) => {
      if (address === undefined) throw new Error('the program has not started its databases');
      return ['prepadata', 'postgres'].flatMap((user) =>
        ['', 'prepadata', 'postgres'].map((password) => ({ ...address, user, password })),
      );
    });
    for (const door of doors) {
      const db = openDatabase(door, { connections: 1 });
      await expect(db.query('SELECT 1'), `${door.user}:${door.password}`).rejects.toThrow(/password/i);
      await db.close();
    }
  });

  test.skipIf(process.getuid?.() !== 0)(
    'another user of the machine reads no file and no environment of it',
    async () => {
      const stranger = (command: string, ...words: string[]) =>
        spawnSync(command, words, { uid: STRANGER, gid: STRANGER, encoding: 'utf8' });
      const readable = stranger('find', program.dataDir, '-type', 'f', '-readable').stdout.trim().split('\n');
      // Postgres' own programs and the port are not secret.
      expect(
        readable
          .map((file) => path.relative(program.dataDir, file))
          .filter((file) => !/^$|^\w+\/(port$|native-)/.test(file)),
      ).toEqual([]);
      const sockets = stranger('find', program.dataDir, '-type', 's', '-writable').stdout;
      expect(sockets).toBe('');
      const pids = [program.runFile.pid, ...program.servers()];
      expect(pids).toHaveLength(3);
      for (const pid of pids) expect(stranger('cat', `/proc/${pid}/environ`)).toMatchObject({ status: 1, stdout: '' });
      // Proof that the stranger can read at all: files that everybody may read.
      expect(stranger('cat', '/proc/self/environ').status).toBe(0);
    },
  );

  test('nothing of its secrets is in what it writes, nor of those of its servers', { timeout: 120_000 }, async () => {
    const logins = ['source', 'analytics'].flatMap((name): [string, string][] => [
      [`superuser of ${name}`, loginsOf(name).superuser.password],
      [`login of ${name}`, loginsOf(name).application.password],
    ]);
    const marks = new Map([...planted.marks, ...logins]);
    const told = await askAll();
    const inArguments = secretsInArguments({ marks });
    await program.stop();
    // The sample campus is there to be written to, and its features to be read: these two logins are shown to the person who starts it.
    const forScreen = new Map([...marks].filter(([name]) => !name.startsWith('login of')));
    expect(secretsIn(program.output, { marks: forScreen })).toEqual([]);
    expect(secretsIn(told, { marks })).toEqual([]);
    expect(inArguments).toEqual([]);
    const isData = (file: string): boolean => isKept(file) || /^(source|analytics)\/data\//.test(file);
    expect(secretsInFiles(program.dataDir, { marks }, isData)).toEqual([]);
    expect(told.includes('unauthorized') && told.includes('prepadata_up')).toBe(true);
  });
});
