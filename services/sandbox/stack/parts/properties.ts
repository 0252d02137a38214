import { rmSync, writeFileSync } from 'node:fs';

/**
 * Writes a Java properties file, for this user alone: there may be passwords in it. Values are ours and hold no backslash
 * or line break.
 */
export function writeProperties(file: string, values: Readonly<Record<string, string | number | boolean>>): void {
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  rmSync(file, { force: true });
  writeFileSync(file, lines.join(''), { mode: 0o600 });
}
