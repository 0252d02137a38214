import { UnrecoverableError } from '#libs/domain/errors.ts';

/** A schema registry with the Confluent API, of any make. */
export interface SchemaRegistry {
  /**
   * The id of this schema under the subject; registers it if missing, with BACKWARD compatibility.
   * @param schema an Avro schema as JSON text
   * @throws SchemaRefused when the registry refuses it, as when it is not compatible; RegistryFault when it does not answer
   */
  register(subject: string, schema: string): Promise<number>;
  /**
   * Reads one message: magic byte 0, schema id in four bytes, Avro. Decoders are kept by schema id.
   * Longs beyond 2^53 become bigint, all others number.
   * @throws Undecodable when the bytes cannot be read; RegistryFault when it does not answer or does not know the id
   */
  decode(message: Buffer): Promise<unknown>;
}

/** The registry does not answer, or does not know an id yet: wait and try again, but never reject a row because of it. */
export class RegistryFault extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RegistryFault';
  }
}

/** These bytes are no message of the schema they name, or name none. */
export class Undecodable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Undecodable';
  }
}

/** The registry will not accept this schema, usually because it is not compatible with earlier ones. */
export class SchemaRefused extends UnrecoverableError {}
