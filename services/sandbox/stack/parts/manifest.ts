import { existsSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

const SERVICE = 'META-INF/services/org.apache.kafka.connect.storage.Converter';
const CONVERTER = 'io.apicurio.registry.utils.converter.AvroConverter';

/**
 * Puts a manifest beside the Avro converter, which comes without one, so that Connect finds it by name. Otherwise Connect
 * has to read every class of every jar, which takes three quarters of its start.
 */
export function ensureManifest(parts: string): void {
  const jar = path.join(parts, 'plugins/apicurio-converter/service-manifest.jar');
  if (existsSync(jar)) return;
  // Several stacks may use the same parts, and start at once.
  const fresh = `${jar}.${process.pid}`;
  writeFileSync(fresh, zipOf(SERVICE, CONVERTER));
  renameSync(fresh, jar);
}

/** An uncompressed archive of one file: manifests are only looked for in archives. Layout: PKWARE's APPNOTE 4.3. */
function zipOf(name: string, text: string): Buffer {
  const [file, content] = [Buffer.from(name), Buffer.from(text)];
  // Version 1.0, no flags, uncompressed, no time, 1 January 1980; checksum, both sizes, and lengths of the name and extra field.
  const entry = Buffer.from('0a00000000000000210000000000' + '0000000000000000' + '00000000', 'hex');
  entry.writeUInt32LE(crc32(content), 10);
  entry.writeUInt32LE(content.length, 14);
  entry.writeUInt32LE(content.length, 18);
  entry.writeUInt16LE(file.length, 22);
  const local = Buffer.concat([Buffer.from('504b0304', 'hex'), entry, file, content]);
  // No comment, first disk, no attributes, and the file at offset 0.
  const directory = Buffer.concat([Buffer.from('504b01020a00', 'hex'), entry, Buffer.alloc(14), file]);
  const end = Buffer.from('504b0506000000000100010000000000000000000000', 'hex');
  end.writeUInt32LE(directory.length, 12);
  end.writeUInt32LE(local.length, 16);
  return Buffer.concat([local, directory, end]);
}

/** `zlib.crc32` exists only from Node 22 on; gzip's output ends with the checksum and the length. */
const crc32 = (content: Buffer): number => gzipSync(content).subarray(-8).readUInt32LE();
