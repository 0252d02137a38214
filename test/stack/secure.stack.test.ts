import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import type { Answer } from '#libs/platform/http.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { KAFKA_USERS, type KafkaUser, type StackCredentials } from '../../services/sandbox/stack/secure/credentials.ts';
import { StackSecurity, type StackUser } from '../../services/sandbox/stack/secure/security.ts';
import { RoleProcess } from '../e2e/role-process.ts';
import { askPlainly, clusterOf } from '../support/cluster.ts';
import { lastOfEach, type Received } from '../topics/fakes.ts';
import { readTopics } from '../topics/read-topics.ts';
import { EQUAL, StackProcess, TOKEN } from './stack-process.ts';

/* `npm run stack -- --secure`: nobody enters without a password, nothing is sent in the clear, nobody may do more than needed. */

const OTHER_CA = path.resolve(import.meta.dirname, '../support/tls/server.crt');
/** Rights follow the names that a shared cluster requires. */
const NAMES = { KAFKA_TOPIC_PREFIX: 'school', KAFKA_GROUP_PREFIX: 'school-prepadata' };
const stack = new StackProcess('--secure');
let credentials: StackCredentials;
let security: StackSecurity;

const noteOf = (name: string): string => stack.state?.members.find((member) => member.name === name)?.note ?? '';

beforeAll(async () => {
  void stack.start(NAMES);
  await stack.untilUp();
  const at = (name: string): string => path.join(stack.folder, 'credentials', name);
  credentials = {
    certificate: at('server.crt'),
    key: at('server.key'),
    keystore: at('server.pem'),
    passwords: JSON.parse(readFileSync(at('logins.json'), 'utf8')) as StackCredentials['passwords'],
  };
  security = new StackSecurity(credentials);
}, 400_000);
afterAll(() => stack.remove());

/** The environment of a role that works beside those of the stack. */
function envOf(user: StackUser): Record<string, string> {
  const { source, analytics } = stack.state ?? {};
  if (source === undefined || analytics === undefined) throw new Error('there are no databases');
  return {
    ...addressEnv('SOURCE_DB', source),
    ...addressEnv('ANALYTICS_DB', analytics),
    ...NAMES,
    CDC_SOURCE: 'kafka',
    KAFKA_BROKERS: noteOf('broker'),
    SCHEMA_REGISTRY_URL: noteOf('registry'),
    ...security.envOf(user),
  };
}

test('the whole way works, and its result is equal to the source', async () => {
  expect(await stack.prove()).toEqual(EQUAL);
}, 200_000);

/** Requests something from the registry or Connect. */
const ask = (url: string, login: string): Promise<Answer> =>
  askPlainly({ url, login, ca: security.tls.certificate }, '');

test('whoever has no password is not let in', async () => {
  expect(await ask(`${noteOf('registry')}/subjects`, 'registry:guess')).toMatchObject({ status: 401 });
  expect(await ask(`${noteOf('registry')}/subjects`, `registry:${credentials.passwords.registry}`)).toMatchObject({
    status: 200,
  });
  expect(await ask(noteOf('connect'), 'rest:guess')).toMatchObject({ status: 401 });
});

const allSecrets = (): string[] => [
  ...Object.values(credentials.passwords),
  stack.state?.source?.password ?? '',
  TOKEN,
];

test('Connect shows no secret to who asks it for its connector', async () => {
  const name = NAMES.KAFKA_TOPIC_PREFIX;
  const login = `rest:${credentials.passwords.rest}`;
  for (const at of [
    `connectors/${name}/config`,
    `connectors/${name}`,
    `connectors/${name}/tasks`,
    `connectors/${name}/status`,
    'connectors?expand=info&expand=status',
  ]) {
    const { status, text } = await ask(`${noteOf('connect')}/${at}`, login);
    expect([at, status, text.includes(name)]).toEqual([at, 200, true]);
    expect([at, allSecrets().filter((secret) => text.includes(secret))]).toEqual([at, []]);
  }
  const { text } = await ask(`${noteOf('connect')}/connectors/${name}/config`, login);
  expect(JSON.parse(text)).toMatchObject({ 'database.password': expect.stringMatching(/^\$\{env:\w+\}$/) });
});

test('no secret stands in a file that others may read, a command, a log, or what Connect shows', async () => {
  const secrets = allSecrets();
  expect(secrets).toHaveLength(KAFKA_USERS.length + 5);
  const holds = (text: string): boolean => secrets.some((secret) => text.includes(secret));
  for (const { pid } of stack.processes) expect(holds(readFileSync(`/proc/${pid}/cmdline`, 'utf8'))).toBe(false);
  const files = readdirSync(stack.folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(log|json|properties|pem|key)(\.1)?$/.test(entry.name))
    .map((entry) => path.join(entry.parentPath, entry.name));
  for (const file of files) {
    const isLog = /\.log(\.1)?$/.test(file);
    if (isLog || (statSync(file).mode & 0o077) !== 0)
      expect([file, holds(readFileSync(file, 'utf8'))]).toEqual([file, false]);
  }
  expect(files.length).toBeGreaterThan(10);
  expect(holds(stack.output.replaceAll(/postgres:\/\/\S+/g, ''))).toBe(false);
});

describe('a role of which something is wrong says what', () => {
  test.each<readonly [string, KafkaUser, () => Record<string, string>, RegExp]>([
    [
      'the password',
      'engagement',
      () => ({ KAFKA_SASL_PASSWORD: 'guess' }),
      /does not take the login of KAFKA_SASL_USERNAME/,
    ],
    [
      'what it trusts',
      'engagement',
      () => ({ KAFKA_SSL_CA_LOCATION: OTHER_CA }),
      /certificate of the Kafka cluster \S+ is not trusted/,
    ],
    [
      'what it trusts of the databases',
      'engagement',
      () => ({ ANALYTICS_DB_SSLROOTCERT: OTHER_CA }),
      /certificate of the analytics database \S+ is not trusted/,
    ],
    [
      'that it does not encrypt',
      'engagement',
      () => ({ ANALYTICS_DB_SSLMODE: 'disable' }),
      /admits no connection without encryption/,
    ],
    ['its rights', 'anomaly', () => ({}), /will not make the topic \S+: Not authorized .*--operation Create/s],
    [
      'the login of the registry',
      'engagement',
      () => ({ SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO: 'registry:guess' }),
      /schema registry \S+ does not take the login of SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO/,
    ],
  ])('%s', async (_, user, wrong, said) => {
    const role = new RoleProcess('engagement', { ...envOf(user), ...wrong() });
    try {
      for (const until = Date.now() + 110_000; !said.test(role.output); await sleep(50)) {
        if (Date.now() > until) throw new Error(`it says:\n${role.output}`);
        if (!role.isRunning && !said.test(role.output)) await sleep(200);
      }
      expect(role.output).not.toMatch(/guess/);
    } finally {
      await role.end('SIGKILL');
    }
  });
});

/** The last message of each key of this student on the feature topics. */
async function lastOf(student: number): Promise<Received[]> {
  const received = await readTopics(clusterOf(envOf('admin')));
  return [...lastOfEach(received).values()].filter((message) => message.student === student);
}

async function byCommand(student: string): Promise<void> {
  const command = new RoleProcess('erase', { DATA_DIR: stack.folder }, ['--student', student]);
  expect([await command.ended(), command.output]).toEqual([{ code: 0, signal: null }, expect.anything()]);
}

/** Carried out by the reconcile process, with its own rights. */
async function byApi(student: string): Promise<void> {
  const { erasure_id: id } = await stack.ask<{ erasure_id: string }>('/api/erase', { student });
  const stateOf = () => stack.ask<{ status: string; signed: { record: object } | null }>(`/api/erase/${id}`);
  await expect.poll(async () => (await stateOf()).status, { interval: 100 }).toBe('finished');
  const { signed } = await stateOf();
  expect(signed?.record).toMatchObject({ removed: { student: 1 } });
  expect(JSON.stringify(signed)).not.toContain(student);
}

test.each([
  ['npm run erase', byCommand],
  ['POST /api/erase', byApi],
] as const)(
  '%s forgets a student here, and the last that the feature topics say of it is nothing',
  async (_, eraseBy) => {
    const { analytics } = stack.state ?? {};
    if (analytics === undefined) throw new Error('there is no database');
    const db = openDatabase(analytics, { connections: 1, name: 'test' });
    try {
      const [victim] = await db.query<{ id: number; source_id: string }>(
        'SELECT student_id AS id, source_id FROM student JOIN engagement_features USING (student_id) LIMIT 1',
      );
      if (victim === undefined) throw new Error('nobody has features');
      const before = await lastOf(victim.id);
      expect(before.some(({ value }) => value !== null)).toBe(true);
      await eraseBy(victim.source_id);
      expect(await db.query('SELECT FROM engagement_features WHERE student_id = $1', [victim.id])).toEqual([]);
      const after = await lastOf(victim.id);
      expect(after.map(({ value }) => value)).toEqual(after.map(() => null));
      expect(after.length).toBeGreaterThanOrEqual(before.length);
    } finally {
      await db.close();
    }
  },
  200_000,
);

test('without those who were erased the result is equal to the source', async () => {
  expect(await stack.prove()).toEqual(EQUAL);
}, 200_000);
