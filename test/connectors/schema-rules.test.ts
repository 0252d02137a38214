import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { sourceNames } from '#libs/domain/source-tables/names.ts';
import { isSchemaRefused, takeEverySchema } from '../../services/register/schema-rules.ts';
import type { RegisterSettings } from '../../services/register/settings.ts';

/** What a registry was asked for, without its authority. */
let asked: string[];
/** The answer to each request. */
let answer: (method: string, url: string) => number;
let server: Server;

beforeEach(async () => {
  asked = [];
  server = createServer((request, response) => {
    const { method = '', url = '', headers } = request;
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      asked.push(`${method} ${url} ${Buffer.concat(parts)} ${headers.authorization ?? ''}`.trim());
      response.writeHead(answer(method, url), { 'content-type': 'application/json' }).end('{}');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterEach(() => new Promise((resolve) => server.close(resolve)));

const settings = (path: string): RegisterSettings =>
  ({
    name: 'lms',
    names: sourceNames(),
    cluster: {
      registry: { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, login: 'us:secret' },
    },
  }) as unknown as RegisterSettings;

const LOGIN = `Basic ${Buffer.from('us:secret').toString('base64')}`;

test.each([
  [
    'Apicurio',
    'RuleViolationException: Incompatible artifact: lms.public.grades-value [AVRO], num of incompatible diffs: {2}',
    true,
  ],
  [
    'Confluent',
    'RestClientException: Schema being registered is incompatible with an earlier schema for subject "lms.public.grades-value"; error code: 409',
    true,
  ],
  ['a row that is too large', 'RecordTooLargeException: The message is 4091 bytes when serialized', false],
  ['a registry that is away', 'ConnectException: Connection refused', false],
])('that a schema was refused is seen from the words of the converter: %s', (_, reason, is) => {
  expect(isSchemaRefused(reason)).toBe(is);
});

test('Apicurio gets a rule of its own for each subject that it knows', async () => {
  answer = (method, url) => {
    if (url.includes('grades-key') && method === 'POST') return 409;
    return url.includes('grades') ? 204 : 404;
  };
  expect(await takeEverySchema(settings('/apis/ccompat/v7'))).toMatch(/takes every schema of the change topics/);
  const rule = '{"type":"COMPATIBILITY","config":"NONE"}';
  const at = '/apis/registry/v2/groups/default/artifacts/lms.public.grades';
  expect(asked.filter((line) => line.includes('grades'))).toEqual([
    `POST ${at}-key/rules ${rule} ${LOGIN}`,
    `PUT ${at}-key/rules/COMPATIBILITY ${rule} ${LOGIN}`,
    `POST ${at}-value/rules ${rule} ${LOGIN}`,
  ]);
  expect(asked).toHaveLength(11);
});

test('of any other registry the compatibility of each subject is set', async () => {
  answer = () => 200;
  expect(await takeEverySchema(settings('/'))).toMatch(/takes every schema of the change topics/);
  expect(asked).toHaveLength(10);
  expect(asked).toContain(`PUT /config/lms.public.grades-value {"compatibility":"NONE"} ${LOGIN}`);
});

test('a registry that does not let us is left to its administrator', async () => {
  answer = () => 403;
  expect(await takeEverySchema(settings('/apis/ccompat/v7'))).toMatch(
    /answers HTTP 403 .*have an administrator set the compatibility of the subjects lms\.public\.…-key and …-value to NONE/,
  );
});
