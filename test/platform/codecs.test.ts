import { readFileSync } from 'node:fs';
import kafkajs from 'kafkajs';
import { compress as snappyBlock } from 'snappyjs';
import { expect, test } from 'vitest';
import { CodecFault, installCodecs, UnknownCodec } from '#libs/platform/kafka/codecs.ts';

const { CompressionTypes: types, CompressionCodecs: codecs } = kafkajs;

installCodecs();

const decompress = async (type: number, bytes: Buffer): Promise<Buffer> =>
  (codecs as Record<number, () => { decompress(bytes: Buffer): Promise<Buffer> }>)[type]?.().decompress(bytes) ??
  Promise.reject(new Error('the library knows no such codec'));

/** The contents of the files, more than one block of each codec. */
const ROWS = Array.from({ length: 3000 }, (_, row) => `{"student":${row % 97},"row":${row}}\n`).join('');

/** Written by Java's own clients (kafka-clients 4.3.1), as records of a batch. */
const written = (name: string): Buffer => readFileSync(new URL(`compressed/rows.${name}`, import.meta.url));

const FILES: readonly [file: string, type: number][] = [
  ['snappy', types.Snappy],
  ['lz4', types.LZ4],
  ['lz4-wrong-checksum', types.LZ4],
  ['zstd', types.ZSTD],
];

test.each(FILES)('what Java writes as %s is read', async (file, type) => {
  expect((await decompress(type, written(file))).toString()).toBe(ROWS);
});

test('so is a bare block of snappy, without Java’s framing', async () => {
  const block = snappyBlock(Buffer.from(ROWS));
  expect((await decompress(types.Snappy, Buffer.from(block))).toString()).toBe(ROWS);
});

test.each(FILES)('%s that is cut short is no batch, and says so', async (file, type) => {
  const whole = written(file);
  await expect(decompress(type, whole.subarray(0, whole.length - 500))).rejects.toThrow(CodecFault);
});

test.each([types.Snappy, types.LZ4, types.ZSTD])('noise is no batch of codec %s', async (type) => {
  await expect(decompress(type, Buffer.alloc(200, 'noise'))).rejects.toThrow(/cannot be read/);
});

test.each([5, 6, 7])('a codec that nobody knows yet, %s, is not taken for none', async (type) => {
  await expect(decompress(type, Buffer.from('x'))).rejects.toThrow(UnknownCodec);
});
