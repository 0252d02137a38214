import avsc from 'avsc';
import { messageOf } from '#libs/domain/errors.ts';
import { RegistryClient, type RegistryClientOptions } from './client.ts';
import { RegistryFault, SchemaRefused, type SchemaRegistry, Undecodable } from './contract.ts';
import { type ReadFloat, readFloats } from './floats.ts';
import { readLongs } from './longs.ts';

export interface RegistryOptions extends RegistryClientOptions {
  /** Converts each float and double; numbers by default. */
  readonly readFloat?: ReadFloat;
}

const MAGIC_BYTE = 0;
/** Magic byte and schema id. */
const PREFIX = 5;
const COMPATIBILITY = 'BACKWARD';

type Reader = (payload: Buffer) => unknown;
type TypeHook = NonNullable<avsc.ForSchemaOptions['typeHook']>;

function hookOf({ readFloat }: RegistryOptions): TypeHook {
  const floats = readFloat === undefined ? undefined : readFloats(readFloat);
  return ((schema: unknown) => readLongs(schema) ?? floats?.(schema)) as TypeHook;
}

/** A registry reached over HTTP, of any make. Decoders are kept for ever: the schema of an id never changes. */
export function openRegistry(options: RegistryOptions): SchemaRegistry {
  const client = new RegistryClient(options);
  const typeHook = hookOf(options);
  const readers = new Map<number, Reader>();
  /** Requests under way, one per id, however many partitions wait for it. */
  const asked = new Map<number, Promise<Reader>>();
  const learn = async (id: number): Promise<Reader> => {
    const asking = asked.get(id) ?? askForReader(client, id, typeHook).finally(() => asked.delete(id));
    asked.set(id, asking);
    const reader = await asking;
    readers.set(id, reader);
    return reader;
  };
  return {
    register: (subject, schema) => register(client, subject, schema),
    decode: async (message) => {
      const id = schemaIdOf(message);
      const read = readers.get(id) ?? (await learn(id));
      try {
        return read(message.subarray(PREFIX));
      } catch (error) {
        throw new Undecodable(`${message.length} bytes are no record of schema ${id}: ${messageOf(error)}`, {
          cause: error,
        });
      }
    },
  };
}

function schemaIdOf(message: Buffer): number {
  if (message.length < PREFIX || message[0] !== MAGIC_BYTE) {
    throw new Undecodable(`${message.length} bytes do not begin with a zero byte and the id of a schema`);
  }
  return message.readInt32BE(1);
}

/** Also waits if we cannot use the registry's schema: rejecting would drop a whole table. */
async function askForReader(client: RegistryClient, id: number, typeHook: TypeHook): Promise<Reader> {
  const fault = (said: string, cause?: unknown): RegistryFault =>
    new RegistryFault(`a record names the schema ${id}, and the registry ${client.name} ${said}`, { cause });
  const { refusal, json } = await client.ask('GET', `/schemas/ids/${id}`);
  if (refusal?.status === 404) throw fault('does not know it');
  if (refusal !== undefined) throw fault(`does not give it: ${refusal.said}`);
  try {
    const type = await readType(client, json, typeHook);
    return (payload) => type.fromBuffer(payload) as unknown;
  } catch (error) {
    if (error instanceof RegistryFault) throw error;
    throw fault(`gives what is no Avro schema: ${messageOf(error)}`, error);
  }
}

interface RegisteredSchema {
  readonly schema: string;
  /** Undefined: Avro. */
  readonly schemaType?: string;
  readonly references?: readonly { readonly subject: string; readonly version: number }[];
}

/** A schema may use types of others, which have to be read before it. */
async function readType(
  client: RegistryClient,
  json: unknown,
  typeHook: TypeHook,
  known: Record<string, avsc.Type> = {},
): Promise<avsc.Type> {
  const { schema, schemaType = 'AVRO', references = [] } = json as RegisteredSchema;
  if (schemaType !== 'AVRO') throw new TypeError(`it is of the type ${schemaType}`);
  for (const { subject, version } of references) {
    const { refusal, json: other } = await client.ask(
      'GET',
      `/subjects/${encodeURIComponent(subject)}/versions/${version}`,
    );
    if (refusal !== undefined) throw new TypeError(`it refers to ${subject}, version ${version}: ${refusal.said}`);
    await readType(client, other, typeHook, known);
  }
  return avsc.Type.forSchema(JSON.parse(schema) as avsc.Schema, { typeHook, registry: known });
}

/** Not compatible, not valid, or the registry's settings forbid it. */
const REFUSED = new Set([409, 422]);
/** "Operation not permitted": the registry accepts no writes at the moment. */
const READ_ONLY = 42205;

async function register(client: RegistryClient, subject: string, schema: string): Promise<number> {
  const [config, versions] = [
    `/config/${encodeURIComponent(subject)}`,
    `/subjects/${encodeURIComponent(subject)}/versions`,
  ];
  const takes = async (method: string, path: string, body?: object): Promise<unknown> => {
    const { refusal, json } = await client.ask(method, path, body);
    if (refusal === undefined) return json;
    if (REFUSED.has(refusal.status) && refusal.code !== READ_ONLY) throw refused(client, subject, refusal.said);
    // It is no failure if a subject has no setting of its own yet.
    if (refusal.status === 404 && method === 'GET') return undefined;
    throw new RegistryFault(
      `the schema registry ${client.name} does not take the schema of ${subject}: ${refusal.said}`,
    );
  };
  const present = levelIn(await takes('GET', config));
  if (present !== undefined && present !== COMPATIBILITY)
    throw refused(client, subject, `its compatibility is ${present}, and is to be ${COMPATIBILITY}`);
  const { id } = (await takes('POST', versions, { schema })) as { id?: unknown };
  if (typeof id !== 'number')
    throw new RegistryFault(`the schema registry ${client.name} does not say which id the schema of ${subject} has`);
  if (present === undefined) await takes('PUT', config, { compatibility: COMPATIBILITY });
  return id;
}

/** Registries differ in the name of this field. */
const levelIn = (config: unknown): string | undefined => {
  const { compatibilityLevel, compatibility } = (config ?? {}) as Record<string, string | undefined>;
  return compatibilityLevel ?? compatibility;
};

const refused = ({ name }: RegistryClient, subject: string, said: string): SchemaRefused =>
  new SchemaRefused(
    'schema_refused',
    `the schema registry ${name} refuses the schema of ${subject}: ${said}`,
    'readers of older messages could not read the new ones: give new fields a default, and neither retype nor drop any; or set the compatibility of this subject to BACKWARD',
  );
