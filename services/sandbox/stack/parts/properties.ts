import { rmSync, writeFileSync } from 'node:fs';

/**
 * Writes a Java properties file that only this user can read, since it may contain passwords. Values are ours and have no
 * backslash or line break.
 */
export function writeProperties(file: string, values: Readonly<Record<string, string | number | boolean>>): void {
  const lines = Object.entries(values).map(([name, value]) => `${name}=${value}\n`);
  rmSync(file, { force: true });
  writeFileSync(file, lines.join(''), { mode: 0o600 });
}
