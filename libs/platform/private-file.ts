import { renameSync, writeFileSync } from 'node:fs';

/** Writes JSON that may hold passwords: readable by this user alone, and renamed into place, so that nobody reads half of it. */
export function writePrivately(file: string, content: unknown): void {
  const written = `${file}.new`;
  writeFileSync(written, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600 });
  renameSync(written, file);
}
