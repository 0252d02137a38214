import { SchemaRegistry as Client, COMPATIBILITY, SchemaType } from '@kafkajs/confluent-schema-registry';
import type avro from 'avsc';
import { messageOf } from '#libs/domain/errors.ts';
import { RegistryFault, SchemaRefused, type SchemaRegistry, Undecodable } from './contract.ts';
import { readLongs } from './longs.ts';

export interface RegistryOptions {
  /** The Confluent-compatible API with its path, e.g. `http://127.0.0.1:8081/apis/ccompat/v7`. */
  readonly url: string;
}

const MAGIC_BYTE = 0;
/** Magic byte and schema id. */
const PREFIX = 5;
/** How long one question may take with the library's own repetitions; then whoever asked waits, in sight. */
const RETRY = { retries: 2, initialRetryTimeInSecs: 0.1, maxRetryTimeInSecs: 0.5 } as const;

type Reader = (payload: Buffer) => unknown;

/** A registry reached by HTTP, whatever its make. Decoders are kept for ever: an id never changes its schema. */
export function openRegistry({ url }: RegistryOptions): SchemaRegistry {
  const client = new Client(
    { host: url.replace(/\/+$/, ''), retry: RETRY },
    { [SchemaType.AVRO]: { typeHook: readLongs as NonNullable<avro.ForSchemaOptions['typeHook']> } },
  );
  const readers = new Map<number, Reader>();
  const learn = async (id: number): Promise<Reader> => {
    const reader = await askForReader(client, id, url);
    readers.set(id, reader);
    return reader;
  };
  return {
    register: (subject, schema) => register(client, subject, schema, url),
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

/** A schema that the registry has and we cannot use is waited for as well: rejecting would drop a whole table. */
async function askForReader(client: Client, id: number, url: string): Promise<Reader> {
  try {
    const type = (await client.getSchema(id)) as avro.Type;
    return (payload) => type.fromBuffer(payload) as unknown;
  } catch (error) {
    const said = statusOf(error) === 404 ? 'does not know it' : `does not give it: ${messageOf(error)}`;
    throw new RegistryFault(`a record names the schema ${id}, and the registry ${url} ${said}`, { cause: error });
  }
}

const statusOf = (error: unknown): number | undefined => (error as { status?: number }).status;

/** Not compatible, not valid, or the registry's settings forbid it. */
const REFUSED = new Set([409, 422]);

async function register(client: Client, subject: string, schema: string, url: string): Promise<number> {
  try {
    const { id } = await client.register(
      { type: SchemaType.AVRO, schema },
      { subject, compatibility: COMPATIBILITY.BACKWARD },
    );
    return id;
  } catch (error) {
    const status = statusOf(error);
    const isOurs = status === undefined && (error as Error).name.startsWith('ConfluentSchemaRegistry');
    if (isOurs || (status !== undefined && REFUSED.has(status))) {
      throw new SchemaRefused(
        'schema_refused',
        `the schema registry ${url} refuses the schema of ${subject}: ${messageOf(error)}`,
        'readers of older messages could not read the new ones: give new fields a default, and neither retype nor drop any; or set the compatibility of this subject to BACKWARD',
        { cause: error },
      );
    }
    throw new RegistryFault(`the schema registry ${url} does not take the schema of ${subject}: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
