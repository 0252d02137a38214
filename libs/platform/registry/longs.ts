import avro from 'avsc';

/** Enough for every long. */
const BYTES = 8;

type Long = number | bigint;

const isLong = (value: unknown): value is Long => typeof value === 'bigint' || Number.isSafeInteger(value);

/**
 * Avro's long as a number while that is exact, else as a bigint. The library's own throws beyond 2^53, and Debezium writes
 * nanoseconds since 1970 into every record.
 */
export const longType = avro.types.LongType.__with({
  fromBuffer: (bytes: Buffer): Long => {
    const high = bytes.readInt32LE(4);
    // Most are small, and a bigint costs more than the whole rest of the record.
    if (high >= -0x20_0000 && high < 0x20_0000) {
      const value = high * 0x1_0000_0000 + bytes.readUInt32LE(0);
      if (Number.isSafeInteger(value)) return value;
    }
    return bytes.readBigInt64LE(0);
  },
  toBuffer: (value: Long): Buffer => {
    const bytes = Buffer.alloc(BYTES);
    bytes.writeBigInt64LE(BigInt(value));
    return bytes;
  },
  fromJSON: (value: number): Long => value,
  toJSON: (value: Long): number => Number(value),
  isValid: isLong,
  compare: (a: Long, b: Long): 0 | 1 | -1 => (a === b ? 0 : a < b ? -1 : 1),
});

/** A hook for avsc that puts {@link longType} wherever a schema says long, with or without a logical type. */
export const readLongs = (schema: unknown): avro.Type | undefined => {
  const type = typeof schema === 'object' && schema !== null ? (schema as { type?: unknown }).type : schema;
  return type === 'long' ? longType : undefined;
};
