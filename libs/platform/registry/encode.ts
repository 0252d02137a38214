import avsc from 'avsc';

const MAGIC = 0;
const HEAD_BYTES = 5;

/** Encodes one value: magic byte 0, schema id in four bytes, Avro. @throws RangeError naming the field that does not fit */
export type AvroWriter = (schemaId: number, value: unknown) => Buffer;

/**
 * Makes the writer of one schema. Logical types are written as their underlying types: a day as an int, an instant as a long
 * of milliseconds. Nothing is filled in: a missing field is an error, even if the schema has a default for it.
 * @param schemaJson an Avro schema as JSON text
 * @throws Error when that is no Avro schema
 */
export function avroWriter(schemaJson: string): AvroWriter {
  const type = avsc.Type.forSchema(JSON.parse(schemaJson) as avsc.Schema, { wrapUnions: 'never' });
  return (schemaId, value) => {
    const missing = missingField(type, value);
    if (missing !== undefined) throw new RangeError(`${nameOf(type)} lacks the field ${missing}`);
    let avro: Buffer;
    try {
      avro = type.toBuffer(value);
    } catch (error) {
      throw new RangeError(`${nameOf(type)} does not fit its schema: ${misfit(type, value)}`, { cause: error });
    }
    const message = Buffer.allocUnsafe(HEAD_BYTES + avro.length);
    message.writeUInt8(MAGIC, 0);
    message.writeInt32BE(schemaId, 1);
    avro.copy(message, HEAD_BYTES);
    return message;
  };
}

const nameOf = (type: avsc.Type): string => type.name ?? type.typeName;

/** Looks at the outermost record only; fields of inner ones have no defaults that could hide their absence. */
function missingField(type: avsc.Type, value: unknown): string | undefined {
  if (!(type instanceof avsc.types.RecordType) || typeof value !== 'object' || value === null) return undefined;
  const values = value as Readonly<Record<string, unknown>>;
  return type.fields.find((field) => values[field.name] === undefined)?.name;
}

function misfit(type: avsc.Type, value: unknown): string {
  const found: string[] = [];
  type.isValid(value, {
    errorHook: (path, wrong, wanted) => {
      found.push(`${path.join('.') || 'the value'} is ${describe(wrong)}, which is not ${wanted.toString()}`);
    },
  });
  return found[0] ?? 'it was refused without a reason';
}

const describe = (value: unknown): string =>
  typeof value === 'bigint' ? `${value}n` : value === undefined ? 'missing' : (JSON.stringify(value) ?? typeof value);
