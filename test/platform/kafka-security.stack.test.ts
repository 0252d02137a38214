import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import kafkajs from 'kafkajs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { freePort } from '#libs/platform/embedded-postgres/embedded.ts';
import { openAdmin } from '#libs/platform/kafka/admin.ts';
import { openClient } from '#libs/platform/kafka/client.ts';
import { openProducer } from '#libs/platform/kafka/producer.ts';
import type { KafkaSecurity } from '#libs/platform/kafka/security.ts';
import { openLog } from '#libs/platform/log.ts';
import { type Broker, partsFolder, startBroker } from '../../services/sandbox/stack/parts/index.ts';
import { OwnStack } from '../support/stack.ts';
import { startTokenEndpoint, type TokenEndpoint, unsignedToken } from '../support/token-endpoint.ts';
import { listen, numbers, poll, valuesOf } from './listening.ts';

/* A real broker that requires TLS and a login, and allows each user what it was granted. */

const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ResourcePatternTypes } = kafkajs;
const TLS = path.resolve(import.meta.dirname, '../support/tls');
const pem = (file: string): string => readFileSync(path.join(TLS, file), 'utf8');
const CA = pem('server.crt');
const [TOPIC, FORBIDDEN] = ['allowed', 'forbidden'];

const run = promisify(execFile);
/** Only its guard and its folder are used. */
const around = new OwnStack({ parts: [] });
let broker: Broker;
let [secured, expired, tokens] = ['', '', ''];

const scram = (password: string, mechanism: 'SCRAM-SHA-256' | 'SCRAM-SHA-512' = 'SCRAM-SHA-512'): KafkaSecurity => ({
  ssl: { ca: CA },
  sasl: { mechanism, username: 'app', password },
});
const clientOf = (security: KafkaSecurity, address = secured) => ({
  brokers: [address],
  security,
  clientId: 'test',
  log: openLog('silent'),
  timeoutMs: 5_000,
});

/** Runs one of Kafka's command line tools. */
const kafka = (tool: string, ...args: readonly string[]): Promise<unknown> =>
  run('java', ['-cp', path.join(partsFolder(), 'libs', '*'), tool, '--bootstrap-server', broker.address, ...args]);

async function grantAll(resourceType: kafkajs.AclResourceTypes, resourceName: string): Promise<void> {
  const admin = openClient(clientOf({}, broker.address)).admin();
  await admin.connect();
  await admin.createAcls({
    acl: [
      {
        resourceType,
        resourceName,
        resourcePatternType: ResourcePatternTypes.LITERAL,
        principal: 'User:app',
        host: '*',
        operation: AclOperationTypes.ALL,
        permissionType: AclPermissionTypes.ALLOW,
      },
    ],
  });
  await admin.disconnect();
}

beforeAll(async () => {
  const [port, controllerPort, secure, late, oauth] = await Promise.all([
    freePort(),
    freePort(),
    freePort(),
    freePort(),
    freePort(),
  ]);
  const folder = mkdtempSync(path.join(around.folder, 'secure-'));
  const keystore = (certificate: string): string => {
    const file = path.join(folder, `${certificate}.pem`);
    writeFileSync(file, `${pem('server.key')}${pem(certificate)}`);
    return file;
  };
  const at = (name: string, of: number): string => `${name}://127.0.0.1:${of}`;
  const clients = [at('PLAINTEXT', port), at('SECURE', secure), at('EXPIRED', late), at('TOKENS', oauth)].join(',');
  broker = await startBroker({
    folder,
    port,
    controllerPort,
    onSpawn: (pid) => around.watch(pid),
    settings: {
      listeners: `${clients},${at('CONTROLLER', controllerPort)}`,
      'advertised.listeners': clients,
      'listener.security.protocol.map':
        'CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT,SECURE:SASL_SSL,EXPIRED:SSL,TOKENS:SASL_PLAINTEXT',
      'ssl.keystore.type': 'PEM',
      'listener.name.secure.ssl.keystore.location': keystore('server.crt'),
      'listener.name.secure.ssl.keystore.type': 'PEM',
      'listener.name.expired.ssl.keystore.location': keystore('expired.crt'),
      'listener.name.expired.ssl.keystore.type': 'PEM',
      'listener.name.secure.sasl.enabled.mechanisms': 'PLAIN,SCRAM-SHA-512',
      'listener.name.secure.scram-sha-512.sasl.jaas.config':
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      'listener.name.secure.plain.sasl.jaas.config':
        'org.apache.kafka.common.security.plain.PlainLoginModule required user_app="plain-secret";',
      // Accepts unsigned tokens, and drops clients that do not show a new one in time.
      'listener.name.tokens.sasl.enabled.mechanisms': 'OAUTHBEARER',
      'listener.name.tokens.oauthbearer.sasl.jaas.config':
        'org.apache.kafka.common.security.oauthbearer.OAuthBearerLoginModule required;',
      'listener.name.tokens.oauthbearer.connections.max.reauth.ms': 12_000,
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      // Clients without a login: the test itself, and the broker to itself.
      'super.users': 'User:ANONYMOUS',
    },
  });
  [secured, expired, tokens] = [`localhost:${secure}`, `localhost:${late}`, `localhost:${oauth}`];
  await kafka(
    'kafka.admin.ConfigCommand',
    '--alter',
    '--add-config',
    'SCRAM-SHA-512=[password=secret]',
    '--entity-type',
    'users',
    '--entity-name',
    'app',
  );
  const admin = openAdmin(clientOf({}, broker.address));
  await admin.ensureTopics([TOPIC, FORBIDDEN].map((topic) => ({ topic, partitions: 1, replication: 1, config: {} })));
  await admin.close();
  await grantAll(AclResourceTypes.TOPIC, TOPIC);
  await grantAll(AclResourceTypes.GROUP, '*');
}, 240_000);

afterAll(async () => {
  await broker?.kill();
  await around.stop();
});

test.each([
  ['SCRAM-SHA-512', scram('secret')],
  ['PLAIN', { ssl: { ca: CA }, sasl: { mechanism: 'PLAIN', username: 'app', password: 'plain-secret' } }],
] as const)(
  'with TLS and %s: sent, and read',
  async (mechanism, security) => {
    const producer = openProducer(clientOf(security));
    await producer.send(TOPIC, numbers(mechanism.length, 3));
    await producer.close();
    const listening = listen(TOPIC, { ...clientOf(security), group: mechanism });
    await poll(() => valuesOf(listening.records)).toEqual(expect.arrayContaining([String(mechanism.length + 2)]));
    expect(listening.failures).toEqual([]);
    await listening.consumer.close();
  },
  60_000,
);

describe('with tokens', () => {
  let endpoint: TokenEndpoint;
  const granting = (token: string) => () => [200, { access_token: token, expires_in: 24 }] as const;
  const client = () =>
    clientOf(
      { sasl: { mechanism: 'OAUTHBEARER', tokenUrl: endpoint.url, clientId: 'us', clientSecret: 'word' } },
      tokens,
    );

  beforeAll(async () => {
    endpoint = await startTokenEndpoint(() => granting(unsignedToken('app', 24))());
  });
  afterAll(() => endpoint?.close());

  test('sent, and read, beyond the life of a token and of a login', async () => {
    const producer = openProducer(client());
    const listening = listen(TOPIC, { ...client(), group: 'tokens' });
    const begin = 1_000;
    for (let i = 0; i < 10; i += 1) {
      await producer.send(TOPIC, numbers(begin + i, 1));
      await sleep(1_000);
    }
    await poll(() => valuesOf(listening.records)).toEqual(expect.arrayContaining([String(begin), String(begin + 9)]));
    expect(listening.failures).toEqual([]);
    // Producer and consumer each fetch a token, and fetch new ones.
    expect(endpoint.asked.length).toBeGreaterThan(3);
    await Promise.all([producer.close(), listening.consumer.close()]);
  });

  test.each([
    [
      'a token that the broker refuses',
      () => granting('no token'),
      /does not take the token of KAFKA_SASL_OAUTHBEARER_CLIENT_ID/,
    ],
    [
      'a client that the endpoint does not know',
      () => () => [401, { error: 'invalid_client' }] as const,
      /gives no token to the client us: HTTP 401/,
    ],
  ])(
    '%s is told, and not for ever',
    async (_, answer, said) => {
      endpoint.answer = answer();
      const admin = openAdmin(client());
      const asked = admin.watermarks([TOPIC]);
      await expect(asked).rejects.toThrow(ConfigurationError);
      await expect(asked).rejects.toThrow(said);
      await admin.close();
      const listening = listen(TOPIC, { ...client(), group: 'in vain' });
      await poll(() => listening.failures.length).toBe(1);
      expect(listening.failures[0]?.message).toMatch(said);
      await listening.consumer.close();
    },
    60_000,
  );
});

describe('what is wrong is said, and does not go on for ever', () => {
  test.each<readonly [string, KafkaSecurity, () => string, RegExp, RegExp]>([
    [
      'a wrong password',
      scram('guess'),
      () => secured,
      /does not take the login of KAFKA_SASL_USERNAME/,
      /KAFKA_SASL_PASSWORD/,
    ],
    [
      'a mechanism that the listener has not',
      scram('secret', 'SCRAM-SHA-256'),
      () => secured,
      /does not log in that way/,
      /KAFKA_SASL_MECHANISM/,
    ],
    [
      'a certificate of nobody known',
      { sasl: { mechanism: 'SCRAM-SHA-512', username: 'app', password: 'secret' }, ssl: {} },
      () => secured,
      /certificate of the Kafka cluster localhost:\d+ is not trusted/,
      /KAFKA_SSL_CA_LOCATION/,
    ],
    [
      'a certificate that has expired',
      { ssl: { ca: pem('expired.crt') } },
      () => expired,
      /certificate of the Kafka cluster localhost:\d+ has expired/,
      /renew/,
    ],
  ])(
    '%s',
    async (_, security, address, message, hint) => {
      const admin = openAdmin(clientOf(security, address()));
      const asked = admin.watermarks([TOPIC]);
      await expect(asked).rejects.toThrow(ConfigurationError);
      await expect(asked).rejects.toMatchObject({
        message: expect.stringMatching(message),
        hint: expect.stringMatching(hint),
      });
      await admin.close();
      const listening = listen(TOPIC, { ...clientOf(security, address()), group: 'in vain' });
      await poll(() => listening.failures.length).toBe(1);
      expect(listening.failures[0]).toMatchObject({ message: expect.stringMatching(message) });
      await listening.consumer.close();
    },
    60_000,
  );

  test('a right that is missing', async () => {
    const admin = openAdmin(clientOf(scram('secret')));
    await expect(admin.watermarks([FORBIDDEN])).rejects.toThrow(
      /does not let us at the topic forbidden.*kafka-acls\.sh.*--operation Read/s,
    );
    await admin.close();
  });
});
