import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { clusterAnswers } from '#libs/platform/kafka/probe.ts';
import { identifyProcess } from '#libs/platform/process-identity.ts';
import { dropEverything } from '../../services/register/drop.ts';
import { createFixture, register } from '../connectors/fixture.ts';
import { askPlainly } from '../support/cluster.ts';
import { connectEnvOf, type OwnStack, ownStack, useStack } from '../support/stack.ts';

const schemaOf = (...fields: string[]): string =>
  JSON.stringify({
    type: 'record',
    name: 'Row',
    fields: fields.map((name) => ({ name, type: ['null', 'int'], default: null })),
  });

type Service = Parameters<typeof askPlainly>[0];

async function get<T>(service: Service, path: string): Promise<T> {
  const { status, text } = await askPlainly(service, path);
  expect(status).toBe(200);
  return JSON.parse(text) as T;
}

async function post(service: Service, path: string, body: unknown): Promise<unknown> {
  const { status, text } = await askPlainly(service, path, 'POST', JSON.stringify(body));
  expect(status).toBeLessThan(300);
  return JSON.parse(text);
}

describe('the parts of the run', () => {
  test('are there for every test', async () => {
    const { brokers, security, registry, connect } = useStack();
    expect(await clusterAnswers(brokers, security)).toBe(true);
    await get(registry, '/subjects');
    const plugins = await get<{ class: string }[]>(connect, '/connector-plugins?connectorsOnly=false');
    expect(plugins.map((plugin) => plugin.class)).toEqual(
      expect.arrayContaining([
        'io.debezium.connector.postgresql.PostgresConnector',
        'io.apicurio.registry.utils.converter.AvroConverter',
      ]),
    );
  });
});

describe('parts of a test alone', () => {
  let stack: OwnStack;

  beforeAll(async () => {
    const connectEnv = { ...connectEnvOf(inject('postgres')), SECRET: inject('postgres').password };
    // Hardened, as administrators set it up.
    stack = await ownStack({ connectEnv, connectSettings: { 'connector.client.config.override.policy': 'None' } });
  });
  afterAll(() => stack.stop());

  test('a Connect that allows no overrides is told by name, and the connector does without when it is told to', async () => {
    const fixture = await createFixture('hardened', stack.as('connector'));
    await expect(register(fixture)).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringContaining("'None' policy does not allow 'linger.ms' to be overridden"),
      hint: expect.stringMatching(/producer\.override\.linger\.ms.*override\.policy=All.*CONNECT_OVERRIDES=off/),
    });
    const told = await register(fixture, { overrides: false });
    expect(told.at(-1)).toMatch(/^streaming: following /);
    // With overrides it is refused again, and the connector goes on as it is.
    await expect(register(fixture)).rejects.toThrow("'linger.ms'");
    expect(await register(fixture, { overrides: false })).toEqual([told.at(-1)]);
    await dropEverything({
      settings: fixture.settings,
      db: fixture.analytics.db,
      signal: new AbortController().signal,
      tell: () => {},
    });
    await fixture.drop();
  });

  test('killed all at once they come back with the connectors and the ids that messages carry', async () => {
    // Connect keeps its connectors in a topic: one that exists afterwards has survived in the broker.
    const { brokers, security, connect, registry } = stack.as('connector');
    const postgres = inject('postgres');
    await post(connect, '/connectors', {
      name: 'kept',
      initial_state: 'STOPPED',
      config: {
        'connector.class': 'io.debezium.connector.postgresql.PostgresConnector',
        'topic.prefix': 'kept',
        'plugin.name': 'pgoutput',
        'database.hostname': postgres.host,
        'database.port': String(postgres.port),
        'database.dbname': postgres.database,
        'database.user': postgres.user,
        'database.password': `\${env:SECRET}`,
      },
    });
    const register = (schema: string): Promise<unknown> => post(registry, '/subjects/row-value/versions', { schema });
    const ids = [await register(schemaOf('a')), await register(schemaOf('a', 'b'))];

    await Promise.all([stack.kill('broker'), stack.kill('connect'), stack.kill('registry')]);
    expect(await clusterAnswers(brokers, security)).toBe(false);
    await stack.start('broker');
    await Promise.all([stack.start('connect'), stack.start('registry')]);

    expect(stack.as('connector')).toMatchObject({ connect, registry });
    const { config } = await get<{ config: Record<string, string> }>(connect, '/connectors/kept');
    expect(config['topic.prefix']).toBe('kept');
    expect(config['database.password']).toBe(`\${env:SECRET}`);
    expect(await register(schemaOf('a', 'b', 'c'))).not.toEqual(ids[0]);
    for (const [index, fields] of [['a'], ['a', 'b']].entries()) {
      const { id } = ids[index] as { id: number };
      const { schema } = await get<{ schema: string }>(registry, `/schemas/ids/${id}`);
      expect(JSON.parse(schema)).toEqual(JSON.parse(schemaOf(...fields)));
    }
  });

  test.runIf(process.platform === 'linux')('each starts from its class archive', () => {
    for (const part of ['broker', 'registry', 'connect'] as const)
      expect(readFileSync(`/proc/${stack[part].pid}/maps`, 'utf8')).toMatch(new RegExp(`/classes/${part}-.*\\.jsa`));
  });

  test('a part that cannot start says so with the end of its log, and leaves no process', async () => {
    const pids: number[] = [];
    const { startConnect } = await import('../../services/sandbox/stack/parts/index.ts');
    const started = startConnect({
      folder: `${stack.folder}/broken`,
      brokers: stack.broker.address,
      settings: { 'key.converter': 'no.such.Converter' },
      onSpawn: (pid) => pids.push(pid),
    });
    await expect(started).rejects.toThrow(/connect ended .* before it was ready[\s\S]*no\.such\.Converter/);
    expect(pids.map(identifyProcess)).toEqual([undefined]);
  });
});
