import { UnrecoverableError } from '#libs/domain/errors.ts';

/** A schema registry with the Confluent API, whoever makes it. */
export interface SchemaRegistry {
  /**
   * The id of this schema under the subject, made when missing, under BACKWARD compatibility.
   * @param schema an Avro schema as JSON text
   * @throws SchemaRefused when the registry says it is not compatible; RegistryFault when it does not answer
   */
  register(subject: string, schema: string): Promise<number>;
  /**
   * Reads one message: magic byte 0, schema id in four bytes, Avro. Decoders are kept by schema id.
   * Longs beyond 2^53 come as bigint, all others as number.
   * @throws Undecodable when the bytes cannot be read; RegistryFault when it does not answer or does not know the id
   */
  decode(message: Buffer): Promise<unknown>;
}

/** The registry does not answer, or does not know an id yet: to be waited for and tried again, never a reason to reject. */
export class RegistryFault extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'RegistryFault';
  }
}

/** These bytes are no message of the schema they name, or of none. */
export class Undecodable extends Error {
  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'Undecodable';
  }
}

/** The registry has older readers that could not read this schema. */
export class SchemaRefused extends UnrecoverableError {}
