import avro from 'avsc';

/** Converts a `float` or `double` of a record. */
export type ReadFloat = (value: number, type: 'float' | 'double') => unknown;

/** Only decodes: we write nothing with such a type. */
class ConvertedFloat extends avro.types.LogicalType {
  readonly #read: (value: number) => unknown;

  constructor(type: 'float' | 'double', read: ReadFloat) {
    super({ type, logicalType: `converted-${type}` });
    this.#read = (value) => read(value, type);
  }

  protected override _fromValue(value: number): unknown {
    return this.#read(value);
  }

  protected override _toValue(): undefined {
    return undefined;
  }
}

/** A hook for avsc that converts floating-point numbers, wherever a schema has one. */
export function readFloats(read: ReadFloat): (schema: unknown) => avro.Type | undefined {
  const types = { float: new ConvertedFloat('float', read), double: new ConvertedFloat('double', read) };
  return (schema) => {
    const type = typeof schema === 'object' && schema !== null ? (schema as { type?: unknown }).type : schema;
    return type === 'float' || type === 'double' ? types[type] : undefined;
  };
}
