import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { clusterAnswers } from '#libs/platform/kafka/probe.ts';
import { identifyProcess } from '#libs/platform/process-identity.ts';
import { dropEverything } from '../../services/register/drop.ts';
import { createFixture, register } from '../connectors/fixture.ts';
import { connectEnvOf, type OwnStack, ownStack, useStack } from '../support/stack.ts';

const schemaOf = (...fields: string[]): string =>
  JSON.stringify({
    type: 'record',
    name: 'Row',
    fields: fields.map((name) => ({ name, type: ['null', 'int'], default: null })),
  });

async function post(url: string, body: unknown): Promise<unknown> {
  const answer = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  expect(answer.status).toBeLessThan(300);
  return answer.json();
}

describe('the parts of the run', () => {
  test('are there for every test', async () => {
    const { brokers, registryUrl, connectUrl } = useStack();
    expect(await clusterAnswers([brokers])).toBe(true);
    expect((await fetch(`${registryUrl}/subjects`)).status).toBe(200);
    const plugins = (await (await fetch(`${connectUrl}/connector-plugins?connectorsOnly=false`)).json()) as {
      class: string;
    }[];
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
    // Hardened, as administrators have it.
    stack = await ownStack({ connectEnv, connectSettings: { 'connector.client.config.override.policy': 'None' } });
  });
  afterAll(() => stack.stop());

  test('a Connect that allows no overrides is told by name, and the connector does without when it is told to', async () => {
    const fixture = await createFixture('hardened', stack.addresses);
    await expect(register(fixture)).rejects.toMatchObject({
      name: 'ConfigurationError',
      message: expect.stringContaining("'None' policy does not allow 'linger.ms' to be overridden"),
      hint: expect.stringMatching(/producer\.override\.linger\.ms.*override\.policy=All.*CONNECT_OVERRIDES=off/),
    });
    const told = await register(fixture, { overrides: false });
    expect(told.at(-1)).toMatch(/^streaming: following /);
    // Asked again with them it is not taken either, and goes on as it is.
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
    // Connect keeps its connectors in a topic: one that is still there afterwards has survived in the broker.
    const { connectUrl, registryUrl } = stack.addresses;
    const postgres = inject('postgres');
    await post(`${connectUrl}/connectors`, {
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
    const register = (schema: string): Promise<unknown> =>
      post(`${registryUrl}/subjects/row-value/versions`, { schema });
    const ids = [await register(schemaOf('a')), await register(schemaOf('a', 'b'))];

    await Promise.all([stack.kill('broker'), stack.kill('connect'), stack.kill('registry')]);
    expect(await clusterAnswers([stack.broker.address])).toBe(false);
    await stack.start('broker');
    await Promise.all([stack.start('connect'), stack.start('registry')]);

    expect(stack.addresses).toMatchObject({ connectUrl, registryUrl });
    const { config } = (await (await fetch(`${connectUrl}/connectors/kept`)).json()) as {
      config: Record<string, string>;
    };
    expect(config['topic.prefix']).toBe('kept');
    expect(config['database.password']).toBe(`\${env:SECRET}`);
    expect(await register(schemaOf('a', 'b', 'c'))).not.toEqual(ids[0]);
    for (const [index, fields] of [['a'], ['a', 'b']].entries()) {
      const { id } = ids[index] as { id: number };
      const { schema } = (await (await fetch(`${registryUrl}/schemas/ids/${id}`)).json()) as { schema: string };
      expect(JSON.parse(schema)).toEqual(JSON.parse(schemaOf(...fields)));
    }
  });

  test('a part that cannot start says so with the end of its log, and leaves no process', async () => {
    const pids: number[] = [];
    const { startConnect } = await import('../../services/sandbox/stack/parts/index.ts');
    const started = startConnect({
      folder: `${stack.folder}/broken`,
      brokers: stack.broker.address,
      quickStart: true,
      settings: { 'key.converter': 'no.such.Converter' },
      onSpawn: (pid) => pids.push(pid),
    });
    await expect(started).rejects.toThrow(/connect ended .* before it was ready[\s\S]*no\.such\.Converter/);
    expect(pids.map(identifyProcess)).toEqual([undefined]);
  });
});
