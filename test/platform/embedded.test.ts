import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, expect, test } from 'vitest';
import { openDatabase } from '#libs/platform/postgres/database.ts';
import { type EmbeddedPostgres, startEmbeddedPostgres } from '#libs/platform/postgres/embedded.ts';

const folders: string[] = [];
const servers: EmbeddedPostgres[] = [];

/** mkdtemp makes folders that their owner alone may enter. */
function privateFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-private-'));
  folders.push(folder);
  return folder;
}

async function start(folder: string): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ folder, settings: { fsync: 'off' } });
  servers.push(server);
  folders.push(server.folder);
  return server;
}

afterEach(async () => {
  for (const server of servers.splice(0)) await server.stop();
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

test('a folder inside one that nobody else may enter is no obstacle, also to root', async () => {
  const asked = path.join(privateFolder(), 'data');
  const server = await start(asked);
  await server.ensureDatabase('x');
  const db = openDatabase(server.address('x'), { connections: 1 });
  expect(await db.query('SELECT 1 AS one')).toEqual([{ one: 1 }]);
  await db.close();
  expect(server.folder === asked).toBe(process.getuid?.() !== 0);
  // The same folder finds the same server again.
  expect(await startEmbeddedPostgres({ folder: asked })).toMatchObject({ pid: server.pid, adopted: true });
});

test('a cluster that was half made is made anew', async () => {
  const folder = path.join(tmpdir(), `prepadata-half-${process.pid}`);
  const first = await start(folder);
  await first.stop();
  // As a kill in the middle of making it leaves things.
  rmSync(path.join(folder, 'data'), { recursive: true });
  mkdirSync(path.join(folder, 'data.new'));
  writeFileSync(path.join(folder, 'data.new', 'PG_VERSION'), '18');
  const second = await start(folder);
  expect(second.adopted).toBe(false);
  expect(existsSync(path.join(folder, 'data.new'))).toBe(false);
  expect(existsSync(path.join(folder, 'password'))).toBe(false);
});
