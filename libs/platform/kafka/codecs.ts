import { promisify } from 'node:util';
import zlib from 'node:zlib';
import { decompress as zstdInJs } from 'fzstd';
import kafkajs from 'kafkajs';
import { uncompress as readSnappyBlock } from 'snappyjs';
import { messageOf } from '#libs/domain/errors.ts';

/*
 * The client library reads gzip; these are Kafka's other three codecs. Their packages need no compiler and run no install
 * scripts. We write uncompressed: a topic's `compression.type` makes the broker compress.
 */

type Read = (bytes: Buffer) => Uint8Array | Promise<Uint8Array>;

/** The records of a batch cannot be decompressed. They stay as they are, so that an early retry will not help. */
export class CodecFault extends Error {
  readonly retriable = false;

  constructor(message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = 'CodecFault';
  }
}

/** A batch is compressed with a codec that did not exist when this was written. */
export class UnknownCodec extends CodecFault {}

/** The header that Java writes: this and two version numbers, followed by each block with its length. */
const XERIAL = Buffer.from('\x82SNAPPY\0', 'latin1');
const XERIAL_HEAD = XERIAL.length + 8;
const LENGTH_BYTES = 4;

/** Blocks in the framing of snappy-java, or one bare block, as librdkafka writes it. */
function readSnappy(bytes: Buffer): Uint8Array {
  if (!bytes.subarray(0, XERIAL.length).equals(XERIAL)) return readSnappyBlock(bytes);
  const blocks: Uint8Array[] = [];
  for (let at = XERIAL_HEAD; at < bytes.length; ) {
    const from = at + LENGTH_BYTES;
    at = from + bytes.readUInt32BE(at);
    if (at > bytes.length) throw new RangeError(`a block ends ${at - bytes.length} bytes beyond the batch`);
    blocks.push(readSnappyBlock(bytes.subarray(from, at)));
  }
  return Buffer.concat(blocks);
}

/** How Java begins each frame: correctly, and as clients for Kafka before 0.10 got it wrong (KAFKA-3160). */
const LZ4_HEAD = Buffer.from('04224d18604082', 'hex');
const LZ4_WRONG_HEAD = Buffer.from('04224d1860401a', 'hex');

async function readLz4(bytes: Buffer): Promise<Buffer> {
  // Loaded late, since it is a binary for each platform: without one, only this codec is missing, not all of Kafka.
  const { decompressFrame } = await import('lz4-napi');
  const rest = bytes.subarray(LZ4_HEAD.length);
  const isWrong = bytes.subarray(0, LZ4_HEAD.length).equals(LZ4_WRONG_HEAD);
  return decompressFrame(isWrong ? Buffer.concat([LZ4_HEAD, rest]) : bytes);
}

/** Node has it since 22.15; the types used here do not know it. */
const { zstdDecompress } = zlib as { zstdDecompress?: typeof zlib.gunzip };
const readZstd: Read = zstdDecompress === undefined ? zstdInJs : promisify<Buffer, Buffer>(zstdDecompress);

const { CompressionTypes: types } = kafkajs;

const READERS: Readonly<Record<number, readonly [name: string, read: Read]>> = {
  [types.Snappy]: ['snappy', readSnappy],
  [types.LZ4]: ['lz4', readLz4],
  [types.ZSTD]: ['zstd', readZstd],
};

const codecOf = (name: string, read: Read) => ({
  compress: () => {
    throw new Error(`nothing of ours is compressed with ${name}`);
  },
  decompress: async (bytes: Buffer): Promise<Buffer> => {
    try {
      const { buffer, byteOffset, byteLength } = await read(bytes);
      return Buffer.from(buffer, byteOffset, byteLength);
    } catch (error) {
      throw new CodecFault(`a batch that says it is compressed with ${name} cannot be read: ${messageOf(error)}`, {
        cause: error,
      });
    }
  },
});

/** The unknown ones: a batch names its codec in three bits. */
const CODECS = [5, 6, 7];

/** Teaches the client library to read them. Call it before it reads anything; calling it again changes nothing. */
export function installCodecs(): void {
  const known: Record<number, () => unknown> = kafkajs.CompressionCodecs;
  for (const [type, [name, read]] of Object.entries(READERS)) known[Number(type)] = () => codecOf(name, read);
  for (const type of CODECS) {
    // Without this the library would take the bytes for uncompressed.
    known[type] = () => {
      throw new UnknownCodec(`a batch is compressed with codec ${type}, which is not known here`);
    };
  }
}
