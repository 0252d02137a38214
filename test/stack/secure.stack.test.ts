import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { addressEnv } from '#libs/platform/config/address-env.ts';
import { KAFKA_USERS, type KafkaUser, type StackCredentials } from '../../services/sandbox/stack/secure/credentials.ts';
import { StackSecurity } from '../../services/sandbox/stack/secure/security.ts';
import { RoleProcess } from '../e2e/role-process.ts';
import { EQUAL, StackProcess } from './stack-process.ts';

/* `npm run stack -- --secure`: nobody enters without a password, nothing is said in the clear, nobody may more than is needed. */

const OTHER_CA = path.resolve(import.meta.dirname, '../support/tls/server.crt');
const stack = new StackProcess('--secure');
let credentials: StackCredentials;
let security: StackSecurity;

const noteOf = (name: string): string => stack.state?.members.find((member) => member.name === name)?.note ?? '';

beforeAll(async () => {
  void stack.start();
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

/** What a role is told that is to work beside those of the stack. */
function envOf(user: KafkaUser): Record<string, string> {
  const { source, analytics } = stack.state ?? {};
  if (source === undefined || analytics === undefined) throw new Error('there are no databases');
  return {
    ...addressEnv('SOURCE_DB', source),
    ...addressEnv('ANALYTICS_DB', analytics),
    CDC_SOURCE: 'kafka',
    KAFKA_BROKERS: noteOf('broker'),
    SCHEMA_REGISTRY_URL: noteOf('registry'),
    ...security.envOf(user),
  };
}

test('the whole way works, and its result is equal to the source', async () => {
  expect(await stack.prove()).toEqual(EQUAL);
}, 200_000);

test('whoever has no password is not let in', async () => {
  const { ca } = security.registry;
  const ask = async (url: string, login: string): Promise<number> => {
    const { Agent, fetch } = await import('undici');
    const headers = { authorization: `Basic ${btoa(login)}` };
    return (await fetch(url, { headers, dispatcher: new Agent({ connect: { ca } }) })).status;
  };
  expect(await ask(`${noteOf('registry')}/subjects`, 'registry:guess')).toBe(401);
  expect(await ask(`${noteOf('registry')}/subjects`, security.registry.login)).toBe(200);
  expect(await ask(noteOf('connect'), 'rest:guess')).toBe(401);
});

test('no secret stands in a file that others may read, a command, a log, or what Connect shows', async () => {
  const secrets = [...Object.values(credentials.passwords), stack.state?.source?.password ?? ''];
  expect(secrets).toHaveLength(KAFKA_USERS.length + 4);
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
  ])(
    '%s',
    async (_, user, wrong, said) => {
      const role = new RoleProcess('engagement', { ...envOf(user), ...wrong() });
      try {
        for (const until = Date.now() + 60_000; !said.test(role.output); await sleep(50)) {
          if (Date.now() > until) throw new Error(`it says:\n${role.output}`);
          if (!role.isRunning && !said.test(role.output)) await sleep(200);
        }
        expect(role.output).not.toMatch(/guess/);
      } finally {
        await role.end('SIGKILL');
      }
    },
    90_000,
  );
});
