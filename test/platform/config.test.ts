import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { analyticsAddress, loadConfig, sourceAddress } from '#libs/platform/config/config.ts';
import { describeSettings } from '#libs/platform/config/groups.ts';
import { SETTINGS, type SettingName, type SettingValues } from '#libs/platform/config/settings.ts';

type Environment = Readonly<Partial<Record<SettingName | `${SettingName}_FILE`, string>>>;
const load = (env: Environment = {}): SettingValues => loadConfig(env);

/** @throws Error if the configuration is accepted */
function refusal(env: Environment): ConfigurationError {
  try {
    load(env);
  } catch (error) {
    if (error instanceof ConfigurationError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
}

describe('with nothing set', () => {
  test('every setting has its default', () => {
    expect(load()).toMatchObject({
      SOURCE_DB_HOST: undefined,
      SOURCE_DB_PORT: 5432,
      ANALYTICS_DB_HOST: undefined,
      ANALYTICS_DB_PORT: 5432,
      API_HOST: '127.0.0.1',
      API_PORT: 8001,
      API_TOKENS: [],
      API_AUTH: 'token',
      SESSION_GAP: 1800,
      ENGAGEMENT_WEIGHTS: { logins: 300_000n, time: 300_000n, forum_posts: 200_000n, resources: 200_000n },
      ENGAGEMENT_TARGETS: { logins: 5_000_000n, time: 3_600_000_000n, forum_posts: 2_000_000n, resources: 10_000_000n },
      ZERO_GRADES: 'ungraded',
      PASS_MARK: 50_000_000n,
      OUTLIER_THRESHOLD: 3_000_000n,
      ATTENTION_OPEN_POINTS: 3,
      ATTENTION_CLOSE_POINTS: 2,
      ATTENTION_EXPECTED_SHARE: 75,
      ATTENTION_LEAST_CLASS: 8,
    });
  });

  test('both zones are UTC', () => {
    const config = load();
    expect([config.SOURCE_TIMEZONE.name, config.INSTITUTION_TIMEZONE.name]).toEqual(['UTC', 'UTC']);
  });

  test('there is a value for every setting, and no other', () => {
    expect(Object.keys(load()).toSorted()).toEqual(Object.keys(SETTINGS).toSorted());
  });

  test('there is neither a source nor an analytics database of its own', () => {
    expect(sourceAddress(load())).toBeUndefined();
    expect(analyticsAddress(load())).toBeUndefined();
  });
});

test('empty counts as unset, for every setting', () => {
  const empty = Object.fromEntries(Object.keys(SETTINGS).map((name) => [name, '']));
  // Zones contain functions, which never compare equal: their names are compared.
  const plain = (values: SettingValues): string =>
    JSON.stringify(values, (_key, value: unknown) => (typeof value === 'bigint' ? value.toString() : value));
  expect(plain(loadConfig(empty))).toBe(plain(load()));
});

test('what else is in the environment does not matter', () => {
  expect(() => loadConfig({ PATH: '/bin', API_PORT_OLD: 'x' })).not.toThrow();
});

describe('values that are given', () => {
  test('are read', () => {
    const config = load({
      API_PORT: '0',
      SESSION_GAP: '86400',
      API_AUTH: 'none',
      ZERO_GRADES: 'graded',
      INSTITUTION_TIMEZONE: 'Europe/Paris',
      API_TOKENS: ' one, two ,,three',
    });
    expect(config).toMatchObject({ API_PORT: 0, SESSION_GAP: 86_400, API_AUTH: 'none', ZERO_GRADES: 'graded' });
    expect(config.API_TOKENS).toEqual(['one', 'two', 'three']);
    expect(config.INSTITUTION_TIMEZONE.name).toBe('Europe/Paris');
    // Summer in Paris is UTC+2.
    expect(config.INSTITUTION_TIMEZONE.offsetAt(Date.UTC(2026, 6, 1))).toBe(7_200_000);
    expect(config.SOURCE_TIMEZONE.name).toBe('UTC');
  });

  test('four numbers are read exactly, to six decimals', () => {
    expect(load({ ENGAGEMENT_WEIGHTS: '1, 0 ,0.1,1e-6' }).ENGAGEMENT_WEIGHTS).toEqual({
      logins: 1_000_000n,
      time: 0n,
      forum_posts: 100_000n,
      resources: 1n,
    });
    expect(load({ ENGAGEMENT_WEIGHTS: '0,0,0,0' }).ENGAGEMENT_WEIGHTS.logins).toBe(0n);
    expect(load({ ENGAGEMENT_TARGETS: '0.000001,1,1,1' }).ENGAGEMENT_TARGETS.logins).toBe(1n);
    expect(load({ ENGAGEMENT_TARGETS: '1e9,1,1,1' }).ENGAGEMENT_TARGETS.logins).toBe(10n ** 15n);
  });

  test('the pass mark is read exactly', () => {
    expect(load({ PASS_MARK: '33.333333' }).PASS_MARK).toBe(33_333_333n);
    expect([load({ PASS_MARK: '0' }).PASS_MARK, load({ PASS_MARK: '100' }).PASS_MARK]).toEqual([0n, 100_000_000n]);
  });

  test('a database is named by its host', () => {
    const env = {
      SOURCE_DB_HOST: 'lms.example',
      SOURCE_DB_PORT: '6543',
      SOURCE_DB_NAME: 'moodle',
      SOURCE_DB_USER: 'reader',
      SOURCE_DB_PASSWORD: ' p w ',
      ANALYTICS_DB_HOST: 'data.example',
    };
    expect(sourceAddress(load(env))).toEqual({
      host: 'lms.example',
      port: 6543,
      database: 'moodle',
      user: 'reader',
      password: ' p w ',
    });
    expect(analyticsAddress(load(env))).toMatchObject({ host: 'data.example', port: 5432, database: 'prepadata' });
  });
});

describe('a value that is not what it has to be is refused, by the name of its setting', () => {
  const refused: readonly [SettingName, readonly string[]][] = [
    ['API_PORT', ['65536', '-1', '80.5', '0x50', ' 80', '1e3', 'http', '99999999999']],
    ['SOURCE_DB_PORT', ['65536', 'five']],
    ['SESSION_GAP', ['0', '-1', '86401', '1.5', 'half an hour']],
    ['API_AUTH', ['None', 'basic', 'token ']],
    ['ZERO_GRADES', ['GRADED', 'yes']],
    ['LOG_LEVEL', ['verbose']],
    ['SOURCE_TIMEZONE', ['Mars/Olympus', 'Paris', 'UTC+2']],
    ['INSTITUTION_TIMEZONE', ['Europe', '+25:00']],
    ['PASS_MARK', ['-1', '100.000001', 'half', '50%', '50,0', 'NaN', '49.9999999']],
    ['ATTENTION_OPEN_POINTS', ['0', '9', '2.5']],
    ['ATTENTION_CLOSE_POINTS', ['0', '9', '-1']],
    ['ATTENTION_EXPECTED_SHARE', ['0', '101', '3/4']],
    ['ATTENTION_LEAST_CLASS', ['0', '7.5']],
    ['OUTLIER_THRESHOLD', ['0', '-3', '0.0000001', '1000.000001', '3σ', 'Infinity']],
    ['FEATURE_TOPICS', ['yes', 'ON']],
    ['CONNECT_URL', ['connect:8083', 'localhost', 'ftp://connect:8083', 'http://', 'http:// connect']],
    ['SCHEMA_REGISTRY_URL', ['registry:8080/apis/ccompat/v7', '/apis/ccompat/v7']],
    [
      'ENGAGEMENT_WEIGHTS',
      [
        '1',
        '1,2,3',
        '1,2,3,4,5',
        '1,2,3,',
        '1,2,3,x',
        '-0.1,1,1,1',
        'NaN,1,1,1',
        '1;2;3;4',
        '1e400,1,1,1',
        '0.0000005,1,1,1',
      ],
    ],
    [
      'ENGAGEMENT_TARGETS',
      ['0,1,1,1', '1,1,1,0', '1,1,1,0.0000001', '-1,1,1,1', '1,1,1', '1,1,1,1,1', '1000000000.000001,1,1,1'],
    ],
  ];
  const cases = refused.flatMap(([name, values]) => values.map((value) => ({ name, value })));

  test.each(cases)('$name=$value', ({ name, value }) => {
    const { message } = refusal({ [name]: value });
    expect(message).toContain(`${name}=${value}`);
    expect(message).toContain(SETTINGS[name].expects);
  });

  test('the error says what is wrong and what to do, under a code', () => {
    const error = refusal({ API_PORT: 'x' });
    expect(error.code).toBe('configuration');
    expect(error.message).toContain('API_PORT=x is not a port from 0 to 65535');
    expect(error.hint).toContain('services/settings.md');
  });

  test('several are told at once', () => {
    const { message } = refusal({ API_PORT: 'x', SESSION_GAP: '0', ZERO_GRADES: 'maybe', SOURCE_DB_NAME: 'fine' });
    for (const name of ['API_PORT=x', 'SESSION_GAP=0', 'ZERO_GRADES=maybe']) expect(message).toContain(name);
    expect(message).not.toContain('SOURCE_DB_NAME');
  });
});

describe('secrets', () => {
  const secrets = (Object.keys(SETTINGS) as SettingName[]).filter((name) => SETTINGS[name].secret);

  test('are passwords and tokens', () => {
    expect(secrets).toEqual(expect.arrayContaining(['SOURCE_DB_PASSWORD', 'ANALYTICS_DB_PASSWORD', 'API_TOKENS']));
    for (const name of Object.keys(SETTINGS) as SettingName[])
      if (/PASSWORD|TOKENS?$|SECRET/.test(name)) expect(SETTINGS[name].secret).toBe(true);
  });

  test('are not shown when the configuration is refused', () => {
    const env = Object.fromEntries(secrets.map((name) => [name, 'hunter2']));
    const error = refusal({ ...env, API_PORT: 'x' });
    expect(`${error.message} ${error.hint}`).not.toContain('hunter2');
  });

  test('may stand in a file: of a list each line is an item', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-secrets-'));
    const file = (name: string, text: string): string => {
      writeFileSync(path.join(folder, name), text);
      return path.join(folder, name);
    };
    const config = loadConfig({
      SOURCE_DB_PASSWORD_FILE: file('password', 'pass, word:1\n'),
      API_TOKENS_FILE: file('tokens', '# of the dashboard\ndash:one:read\r\n\nnightly:two:run\n'),
      ANALYTICS_DB_PASSWORD_FILE: file('empty', '\n'),
    });
    expect(config.SOURCE_DB_PASSWORD).toBe('pass, word:1');
    expect(config.API_TOKENS).toEqual(['dash:one:read', 'nightly:two:run']);
    expect(config.ANALYTICS_DB_PASSWORD).toBe('');
    rmSync(folder, { recursive: true });
  });

  test('are read again from their file, whose last good content counts while it is away', () => {
    const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-secrets-'));
    const file = path.join(folder, 'password');
    writeFileSync(file, 'first\n');
    const config = loadConfig({ SOURCE_DB_HOST: 'lms.example', SOURCE_DB_PASSWORD_FILE: file });
    const address = sourceAddress(config);
    expect(address?.password).toBe('first');
    writeFileSync(file, 'second\n');
    expect(address?.password).toBe('second');
    rmSync(folder, { recursive: true });
    expect(address?.password).toBe('second');
  });

  test('in two places, or in a file that cannot be read, are refused', () => {
    expect(refusal({ API_TOKENS: 'hunter2', API_TOKENS_FILE: '/etc/hostname' }).message).toMatch(
      /API_TOKENS and API_TOKENS_FILE are both set/,
    );
    const { message } = refusal({ SOURCE_DB_PASSWORD_FILE: '/nowhere/password', API_PORT: 'x' });
    expect(message).toMatch(/SOURCE_DB_PASSWORD_FILE cannot be read: ENOENT.*\/nowhere\/password/);
    expect(message).toContain('API_PORT=x');
  });

  test('have no default that would be printed', () => {
    for (const name of secrets) expect(SETTINGS[name].fallback ?? '').toBe('');
  });
});

describe('the description', () => {
  const lines = describeSettings().split('\n');

  test.each(Object.keys(SETTINGS) as SettingName[])('has a line for %s, with its meaning and its default', (name) => {
    const { description, fallback, expects } = SETTINGS[name];
    const line = lines.find((text) => text.trimStart().split(' ')[0] === name);
    expect(line).toContain(description);
    expect(line).toContain(expects);
    if (fallback !== undefined && fallback !== '') expect(line).toContain(`default ${fallback}`);
    else expect(line).not.toContain('default ');
  });

  test('has no other line', () => {
    expect(lines).toHaveLength(Object.keys(SETTINGS).length);
  });
});
