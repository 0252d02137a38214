import { chownSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { asUser } from './binaries.ts';

/** Every connection over a network needs encryption and a password. */
const HBA = ['hostssl all all all scram-sha-256', 'hostssl replication all all scram-sha-256'];

/**
 * Writes the files of a server that accepts only encrypted connections: beside its data, readable by its user alone.
 * @returns the settings that name them
 */
export function settingsOfTls(
  folder: string,
  { certificate, key }: { readonly certificate: string; readonly key: string },
): Record<string, string> {
  const write = (name: string, content: string): string => {
    const file = path.join(folder, name);
    rmSync(file, { force: true });
    writeFileSync(file, content, { mode: 0o600 });
    const { uid, gid } = asUser();
    if (uid !== undefined && gid !== undefined) chownSync(file, uid, gid);
    return file;
  };
  return {
    ssl: 'on',
    ssl_cert_file: write('server.crt', certificate),
    ssl_key_file: write('server.key', key),
    hba_file: write('pg_hba.conf', `${HBA.join('\n')}\n`),
  };
}
