import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import avro from 'avsc';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { RegistryFault, SchemaRefused, type SchemaRegistry, Undecodable } from '#libs/platform/registry/contract.ts';
import { openRegistry } from '#libs/platform/registry/registry.ts';
import { type Answering, NOT_A_SERVICE, PATIENT_MS } from './not-a-service.ts';

const SCHEMA = JSON.stringify({
  type: 'record',
  name: 'Row',
  fields: [
    { name: 'id', type: 'string' },
    { name: 'at', type: { type: 'long', 'connect.name': 'org.apache.kafka.connect.data.Timestamp' } },
    { name: 'ns', type: ['null', 'long'], default: null },
  ],
});

/** The part of a registry that the client uses. */
class FakeRegistry {
  readonly schemas = new Map<number, string>([[7, SCHEMA]]);
  asked: string[] = [];
  /** When set, answers in the registry's place. */
  inItsPlace: Answering | undefined;
  /** When set, the answer to every request. */
  failure: { status: number; code?: number; message: string } | undefined;
  readonly #server: Server = createServer((request, response) => {
    this.asked.push(`${request.method} ${request.url}`);
    if (this.inItsPlace !== undefined) return this.inItsPlace(request, response);
    const { status, body } = this.#answer(request.method ?? '', request.url ?? '');
    response.writeHead(status, { 'content-type': 'application/vnd.schemaregistry.v1+json' }).end(JSON.stringify(body));
  });

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return this.address();
  }

  address(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/apis/ccompat/v7`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #answer(method: string, url: string): { status: number; body: object } {
    if (this.failure !== undefined) {
      const { status, code = status, message } = this.failure;
      return { status, body: { error_code: code, message } };
    }
    const id = /\/schemas\/ids\/(\d+)/.exec(url)?.[1];
    const schema = id === undefined ? undefined : this.schemas.get(Number(id));
    if (schema !== undefined) return { status: 200, body: { schema } };
    if (id === undefined && method !== 'GET') return { status: 200, body: { id: 7 } };
    return { status: 404, body: { error_code: 40403, message: 'not found' } };
  }
}

let fake: FakeRegistry;
let registry: SchemaRegistry;

beforeEach(async () => {
  fake = new FakeRegistry();
  registry = openRegistry({ url: `${await fake.start()}/`, timeoutMs: PATIENT_MS });
});
afterEach(() => fake.stop());

function message(id: number, at: bigint, ns: bigint | null): Buffer {
  const exact = avro.types.LongType.__with({
    fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
    toBuffer: (value: bigint) => {
      const bytes = Buffer.alloc(8);
      bytes.writeBigInt64LE(value);
      return bytes;
    },
    fromJSON: BigInt,
    toJSON: Number,
    isValid: (value: unknown) => typeof value === 'bigint',
    compare: () => 0,
  });
  const type = avro.Type.forSchema(JSON.parse(SCHEMA), {
    typeHook: (schema) => {
      const name = typeof schema === 'object' && 'type' in schema ? schema.type : schema;
      return name === 'long' ? exact : undefined;
    },
  });
  const prefix = Buffer.alloc(5);
  prefix.writeInt32BE(id, 1);
  return Buffer.concat([prefix, type.toBuffer({ id: 'é', at, ns })]);
}

test.each([
  [0n, 0],
  [-1n, -1],
  [1_795_383_589_085n, 1_795_383_589_085],
  [-(1n << 32n), -4_294_967_296],
  [(1n << 53n) - 1n, Number.MAX_SAFE_INTEGER],
  [-(1n << 53n) + 1n, Number.MIN_SAFE_INTEGER],
  [1n << 53n, 1n << 53n],
  [-(1n << 53n), -(1n << 53n)],
  [(1n << 63n) - 1n, (1n << 63n) - 1n],
  [-(1n << 63n), -(1n << 63n)],
])('the long %s is read exactly', async (given, expected) => {
  expect(await registry.decode(message(7, given, given))).toEqual({ id: 'é', at: expected, ns: expected });
});

test('numbers of a binary format are converted where that is asked for, wherever they stand, and plain numbers else', async () => {
  const schema = {
    type: 'record',
    name: 'Grade',
    fields: [
      { name: 'max', type: 'float' },
      { name: 'value', type: ['null', { type: 'double', 'connect.type': 'float64' }], default: null },
      { name: 'none', type: ['null', 'double'], default: null },
      { name: 'seconds', type: 'int' },
    ],
  };
  fake.schemas.set(10, JSON.stringify(schema));
  const row = { max: 0.5, value: 12.25, none: null, seconds: 3 };
  const bytes = Buffer.concat([
    Buffer.from([0, 0, 0, 0, 10]),
    avro.Type.forSchema(schema as avro.Schema).toBuffer(row),
  ]);
  expect(await registry.decode(bytes)).toEqual(row);
  const converting = openRegistry({ url: fake.address(), readFloat: (value, type) => `${type} ${value}` });
  expect(await converting.decode(bytes)).toEqual({ ...row, max: 'float 0.5', value: 'double 12.25' });
});

test('a schema is asked for once, and is needed no more after that', async () => {
  await registry.decode(message(7, 1n, null));
  await fake.stop();
  expect(await registry.decode(message(7, 2n, null))).toEqual({ id: 'é', at: 2, ns: null });
  expect(fake.asked.length).toBe(1);
  fake = new FakeRegistry();
  await fake.start();
});

test('an id that it does not know yet is no fault of the message, and may be known later', async () => {
  const early = registry.decode(message(8, 1n, null));
  await expect(early).rejects.toThrow(RegistryFault);
  await expect(early).rejects.toThrow(/names the schema 8, and the registry \S+ does not know it/);
  fake.schemas.set(8, SCHEMA);
  expect(await registry.decode(message(8, 1n, null))).toMatchObject({ at: 1 });
});

test.each([500, 401, 503])('an answer %s is a fault of the registry', async (status) => {
  fake.failure = { status, message: 'not now' };
  await expect(registry.decode(message(7, 1n, null))).rejects.toThrow(RegistryFault);
  fake.failure = undefined;
  expect(await registry.decode(message(7, 1n, null))).toMatchObject({ at: 1 });
});

test('a schema that nothing can be made of is waited for, not blamed on its records', async () => {
  fake.schemas.set(9, '{"type": "of no kind"}');
  await expect(registry.decode(message(9, 1n, null))).rejects.toThrow(RegistryFault);
});

test('a registry that is away is a fault of it', async () => {
  const nobody = openRegistry({ url: 'http://127.0.0.1:1/apis/ccompat/v7' });
  await expect(nobody.decode(message(7, 1n, null))).rejects.toThrow(RegistryFault);
  await expect(nobody.register('rows', SCHEMA)).rejects.toThrow(RegistryFault);
});

describe.each(NOT_A_SERVICE)('somebody who $name', ({ answers, said, timeoutMs = PATIENT_MS }) => {
  test('is no registry, which is said in time; nothing is blamed on the record, and all is well when it is back', async () => {
    registry = openRegistry({ url: fake.address(), timeoutMs });
    fake.inItsPlace = answers;
    const asked = [registry.decode(message(7, 1n, null)), registry.decode(message(7, 2n, null))];
    for (const each of asked) {
      await expect(each).rejects.toThrow(RegistryFault);
      await expect(each).rejects.toThrow(said);
    }
    await expect(registry.register('rows', SCHEMA)).rejects.toThrow(RegistryFault);
    // Both waited for the same schema, which was requested once.
    expect(fake.asked).toEqual(['GET /apis/ccompat/v7/schemas/ids/7', 'GET /apis/ccompat/v7/config/rows']);
    fake.inItsPlace = undefined;
    const timeout = { timeout: PATIENT_MS };
    await expect.poll(() => registry.decode(message(7, 1n, null)), timeout).toMatchObject({ at: 1 });
    await expect.poll(() => registry.register('rows', SCHEMA), timeout).toBe(7);
  });
});

test('a schema that refers to others is read with them', async () => {
  const row = { type: 'record', name: 'Row', fields: [{ name: 'of', type: 'Other' }] };
  const other = { type: 'record', name: 'Other', fields: [{ name: 'n', type: 'long' }] };
  const [references, schema] = [[{ name: 'Other', subject: 'other', version: 2 }], JSON.stringify(row)];
  fake.inItsPlace = ({ url }, response) => {
    const body = url?.endsWith('/subjects/other/versions/2')
      ? { schema: JSON.stringify(other) }
      : { schema, references };
    response.writeHead(200).end(JSON.stringify(body));
  };
  expect(await registry.decode(Buffer.from([0, 0, 0, 0, 11, 6]))).toEqual({ of: { n: 3 } });
});

test.each([
  ['{}', /no Avro schema/],
  ['null', /no Avro schema/],
  ['{"schema": "{}", "schemaType": "PROTOBUF"}', /it is of the type PROTOBUF/],
])('the answer %s holds no schema, and is waited for', async (body, said) => {
  fake.inItsPlace = (_, response) => response.writeHead(200).end(body);
  await expect(registry.decode(message(7, 1n, null))).rejects.toThrow(said);
});

test('a login in its address is sent as one, and told to nobody', async () => {
  const heard: (string | undefined)[] = [];
  fake.inItsPlace = ({ headers }, response) => {
    heard.push(headers.authorization);
    response.writeHead(401).end('no');
  };
  const url = fake.address().replace('http://', 'http://us:p%40ss@');
  const refused = openRegistry({ url }).decode(message(7, 1n, null));
  await expect(refused).rejects.toThrow(
    /the schema registry http:\/\/127\S+ does not take the login of SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO/,
  );
  await expect(refused).rejects.not.toThrow(/p(@|%40)ss/);
  expect(heard).toEqual([`Basic ${Buffer.from('us:p@ss').toString('base64')}`]);
});

test.each([
  ['nothing', Buffer.alloc(0)],
  ['too little', Buffer.from([0, 0, 0])],
  ['another magic byte', Buffer.from([1, 0, 0, 0, 7, 2, 65])],
  ['a record that ends too soon', message(7, 1n, null).subarray(0, 7)],
  ['a record that does not end', Buffer.concat([message(7, 1n, null), Buffer.from([0])])],
])('%s cannot be read', async (_, bytes) => {
  await expect(registry.decode(bytes)).rejects.toThrow(Undecodable);
});

test('a schema is registered under BACKWARD, and a subject made so', async () => {
  expect(await registry.register('rows', SCHEMA)).toBe(7);
  expect(fake.asked).toEqual([
    'GET /apis/ccompat/v7/config/rows',
    'POST /apis/ccompat/v7/subjects/rows/versions',
    'PUT /apis/ccompat/v7/config/rows',
  ]);
});

test('a registry that takes nothing at the moment is waited for', async () => {
  fake.failure = { status: 422, code: 42205, message: 'Subject rows is in read-only mode' };
  await expect(registry.register('rows', SCHEMA)).rejects.toThrow(RegistryFault);
});

test.each([409, 422])('refused with %s, a schema ends the role with the registry’s own words', async (status) => {
  fake.failure = undefined;
  const real = registry.register('rows', SCHEMA);
  await real;
  fake.failure = { status, message: 'reader field c has no default' };
  const refused = registry.register('rows', SCHEMA);
  await expect(refused).rejects.toThrow(SchemaRefused);
  await expect(refused).rejects.toThrow(/refuses the schema of rows: .*reader field c has no default/);
});
