import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { ConfigurationError } from '#libs/domain/errors.ts';
import { neededColumns, SOURCE_TABLES } from '#libs/domain/source-tables/index.ts';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { loadConfig } from '#libs/platform/config/config.ts';
import { describeDifferences, epochIn } from '../../services/register/config.ts';
import { ownTablesSql } from '../../services/register/own-tables.ts';
import { registerSettings, wantedConfig } from '../../services/register/settings.ts';

const ENVIRONMENT = {
  SOURCE_DB_HOST: 'lms.example',
  SOURCE_DB_USER: 'reader',
  SOURCE_DB_PASSWORD: 'a password that is nowhere else',
  ANALYTICS_DB_HOST: 'analytics.example',
  KAFKA_BROKERS: 'one:9092, two:9092',
  SCHEMA_REGISTRY_URL: 'http://registry:8080/apis/ccompat/v7',
  CONNECT_URL: 'http://connect:8083/',
};
const settings = registerSettings(loadConfig(ENVIRONMENT));
const config = wantedConfig(settings, 42, 'no_data');

describe('the connector', () => {
  test('holds no more rows of the largest size at once than fit into the memory of the Connect that we start', () => {
    const [row, rowsRead, queue] = [
      'producer.override.max.request.size',
      'snapshot.fetch.size',
      'max.queue.size.in.bytes',
    ].map((name) => Number(config[name])) as [number, number, number];
    const compose = readFileSync(new URL('../../docker-compose.yml', import.meta.url), 'utf8');
    const [, megabytes] = /\sHEAP_OPTS: .*-Xmx(\d+)m/.exec(compose) ?? [];
    expect(row * rowsRead + queue).toBeLessThan(0.75 * Number(megabytes) * 1_048_576);
  });

  test('has every setting that its behaviour was tried with', () => {
    expect(config).toMatchObject({
      'plugin.name': 'pgoutput',
      'publication.name': 'prepadata',
      'publication.autocreate.mode': 'disabled',
      'slot.name': 'prepadata_debezium_42',
      'slot.drop.on.stop': 'false',
      'poll.interval.ms': '5',
      'producer.override.linger.ms': '0',
      'producer.override.max.request.size': '8388608',
      'topic.creation.default.max.message.bytes': '8388608',
      'schema.name.adjustment.mode': 'avro',
      'field.name.adjustment.mode': 'avro',
      'decimal.handling.mode': 'string',
      'time.precision.mode': 'connect',
      'tombstones.on.delete': 'false',
      'skipped.operations': 'none',
      'heartbeat.interval.ms': '10000',
      'topic.prefix': 'lms',
      'topic.creation.default.partitions': '4',
      'topic.creation.default.replication.factor': '1',
      'topic.creation.default.cleanup.policy': 'delete',
      'extended.headers.enabled': 'false',
      'signal.enabled.channels': 'source,kafka',
      'signal.kafka.bootstrap.servers': 'one:9092,two:9092',
    });
    const begins = config['database.initial.statements'] ?? '';
    for (const name of [
      'statement_timeout',
      'transaction_timeout',
      'idle_session_timeout',
      'default_transaction_read_only',
    ])
      expect(begins).toContain(`('${name}', ARRAY[`);
    // Debezium splits it at a semicolon.
    expect(begins).not.toMatch(/;|\s\s/);
    for (const side of ['key', 'value']) {
      expect(config).toMatchObject({
        [`${side}.converter`]: 'io.apicurio.registry.utils.converter.AvroConverter',
        [`${side}.converter.apicurio.registry.url`]: 'http://registry:8080/apis/registry/v2',
        [`${side}.converter.apicurio.registry.auto-register`]: 'true',
        [`${side}.converter.apicurio.registry.find-latest`]: 'true',
        [`${side}.converter.apicurio.registry.as-confluent`]: 'true',
        [`${side}.converter.apicurio.registry.use-id`]: 'contentId',
        [`${side}.converter.apicurio.registry.headers.enabled`]: 'false',
      });
    }
  });

  test('reads the five tables, and keys the rows of a student by the student', () => {
    expect(config['table.include.list']?.split(',')).toEqual(SOURCE_TABLES.map((table) => `public.${table}`));
    expect(config['message.key.columns']).toBe(
      'public.enrollments:student_id;public.grades:student_id;public.activity_logs:student_id',
    );
  });

  test('reads of them the needed columns alone, and all of the table by which it takes orders', () => {
    const wanted = config['column.include.list']?.split(',') ?? [];
    const isRead = (column: string): boolean => wanted.some((pattern) => new RegExp(`^${pattern}$`).test(column));
    for (const table of SOURCE_TABLES)
      for (const column of ['id', ...neededColumns(table).map(({ name }) => name)])
        expect([column, isRead(`public.${table}.${column}`)]).toEqual([column, true]);
    expect(isRead('prepadata.signal.data')).toBe(true);
    for (const column of ['students.email', 'students.external_id', 'courses.category_id', 'grades.feedback'])
      expect([column, isRead(`public.${column}`)]).toEqual([column, false]);
  });

  test('with DIRECTORY=off nothing is read that people are called by', () => {
    const nameless = wantedConfig({ ...settings, names: sourceNames('public', {}, false) }, 42, 'no_data');
    expect(nameless['column.include.list']).toMatch(/^public\.students\.\(id\),public\.courses\.\(id\),public\.enrol/);
  });

  test('where names are mapped, reads by those of the source', () => {
    const mapping = { grades: { table: 'lms_grade', columns: { id: 'grade_id', student_id: 'pupil' } } };
    const mapped = wantedConfig({ ...settings, names: sourceNames('school', mapping) }, 42, 'no_data');
    expect(mapped['table.include.list']).toBe(
      'school.students,school.courses,school.enrollments,school.lms_grade,school.activity_logs',
    );
    expect(mapped['column.include.list']).toContain('school.lms_grade.(grade_id|pupil|course_id|grade_item|');
    expect(mapped['message.key.columns']).toContain('school.lms_grade:pupil;');
  });

  test('skips no error, holds no password and no hole, and bears its epoch', () => {
    expect(Object.keys(config).filter((key) => key.startsWith('errors.tolerance'))).toEqual([]);
    expect(JSON.stringify(config)).not.toContain(ENVIRONMENT.SOURCE_DB_PASSWORD);
    expect(config['database.password']).toBe(`\${env:SOURCE_DB_PASSWORD}`);
    expect(JSON.stringify(config)).not.toMatch(/\{\{/);
    expect(epochIn(config)).toBe(42);
    expect(epochIn({})).toBeUndefined();
  });
});

describe('what differs', () => {
  test('is told key by key, and secrets are not', () => {
    const present = { ...config, name: 'lms', 'poll.interval.ms': '500', 'database.password': 'open', extra: 'x' };
    expect(describeDifferences(present, config)).toEqual([
      'database.password: (hidden) → (hidden)',
      'extra: x → (not set)',
      'poll.interval.ms: 500 → 5',
    ]);
    expect(describeDifferences({ ...config, name: 'lms' }, config)).toEqual([]);
  });
});

describe('the environment', () => {
  test('is refused with everything that it lacks', () => {
    expect(() => registerSettings(loadConfig({ SOURCE_DB_HOST: 'lms' }))).toThrow(
      /ANALYTICS_DB_HOST, CONNECT_URL, SCHEMA_REGISTRY_URL, KAFKA_BROKERS are not set/,
    );
  });

  test.each([
    ['SOURCE_SLOT', 'Not A Name'],
    ['SOURCE_PUBLICATION', 'x; DROP TABLE students'],
  ])('is refused when %s is %s', (name, value) => {
    expect(() => registerSettings(loadConfig({ ...ENVIRONMENT, [name]: value }))).toThrow(ConfigurationError);
  });
});

describe('what an administrator runs', () => {
  const source = readFileSync(new URL('../../connectors/source.sql', import.meta.url), 'utf8');

  test('names the same user and publication in both files', () => {
    expect(source).toContain('CREATE ROLE prepadata_reader');
    expect(source).toContain('CREATE PUBLICATION prepadata FOR TABLE');
    expect(ownTablesSql('prepadata_reader', 'prepadata').join('\n')).toContain('TO prepadata_reader');
  });

  test('is said for the user and the publication that there are', () => {
    const statements = ownTablesSql('Reader "two"', 'others');
    expect(statements.at(-1)).toBe('ALTER PUBLICATION others ADD TABLE prepadata.heartbeat, prepadata.signal');
    expect(statements).toContain('GRANT SELECT, INSERT ON prepadata.signal TO "Reader ""two"""');
    expect(statements.filter((statement) => statement.includes('prepadata_reader'))).toEqual([]);
  });
});
