import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { loadBinaries } from '#libs/platform/embedded-postgres/binaries.ts';
import {
  type EmbeddedOptions,
  type EmbeddedPostgres,
  freePort,
  startEmbeddedPostgres,
} from '#libs/platform/embedded-postgres/embedded.ts';
import { openDatabase } from '#libs/platform/postgres/database.ts';

const ROOT = new URL('../../', import.meta.url);
const folders: string[] = [];
const servers: EmbeddedPostgres[] = [];

/** mkdtemp makes folders that only their owner can enter. */
function privateFolder(): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'prepadata-private-'));
  folders.push(folder);
  return folder;
}

/** One that anybody may enter. */
function openFolder(): string {
  const folder = privateFolder();
  chmodSync(folder, 0o755);
  return folder;
}

async function start(folder: string, more: Partial<EmbeddedOptions> = {}): Promise<EmbeddedPostgres> {
  const server = await startEmbeddedPostgres({ folder, settings: { fsync: 'off' }, ...more });
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
  // Starting in the same folder again finds the running server.
  expect(await startEmbeddedPostgres({ folder: asked })).toMatchObject({ pid: server.pid, adopted: true });
});

test('with a certificate nobody comes in the clear, and the key is for the server’s user alone', async () => {
  const read = (file: string): string =>
    readFileSync(path.resolve(import.meta.dirname, '../support/tls', file), 'utf8');
  const tls = { certificate: read('server.crt'), key: read('server.key') };
  const server = await start(path.join(privateFolder(), 'data'), { tls });
  await server.ensureDatabase('x');
  const { ssl, ...address } = server.address('x');
  expect(ssl).toEqual({ rejectUnauthorized: true, ca: tls.certificate });
  const db = openDatabase({ ...address, ...(ssl && { ssl }) }, { connections: 1 });
  expect(await db.query('SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()')).toEqual([{ ssl: true }]);
  await db.close();
  const bare = openDatabase(address, { connections: 1 });
  await expect(bare.query('SELECT 1')).rejects.toThrow(/no encryption/);
  await bare.close();
  expect(statSync(path.join(server.folder, 'server.key')).mode & 0o077).toBe(0);
});

test('a cluster that was half made is made anew', async () => {
  const folder = path.join(tmpdir(), `prepadata-half-${process.pid}`);
  const first = await start(folder);
  await first.stop();
  // The state that a kill during its creation leaves behind.
  rmSync(path.join(folder, 'data'), { recursive: true });
  mkdirSync(path.join(folder, 'data.new'));
  writeFileSync(path.join(folder, 'data.new', 'PG_VERSION'), '18');
  const second = await start(folder);
  expect(second.adopted).toBe(false);
  expect(existsSync(path.join(folder, 'data.new'))).toBe(false);
  expect(existsSync(path.join(folder, 'password'))).toBe(false);
});

test('the application is no superuser, and sees nothing of our environment', async () => {
  process.env['PREPADATA_TEST_SECRET'] = 'hidden';
  const server = await start(path.join(privateFolder(), 'data'));
  delete process.env['PREPADATA_TEST_SECRET'];
  await server.ensureDatabase('x');
  const db = openDatabase(server.address('x'), { connections: 1 });
  await expect(db.query("COPY (SELECT 1) TO PROGRAM 'true'")).rejects.toThrow(/permission denied/);
  await db.query('CREATE TABLE own (id integer)');
  await db.query('CREATE PUBLICATION p FOR TABLE own');
  await db.close();
  const admin = openDatabase(server.admin('x'), { connections: 1 });
  await admin.query('CREATE TABLE seen (line text)');
  await admin.query("COPY seen FROM PROGRAM 'env'");
  expect(JSON.stringify(await admin.query('SELECT line FROM seen'))).not.toContain('hidden');
  await admin.close();
});

test('each cluster has passwords of its own, that nobody else can read', async () => {
  const [one, other] = [
    await start(path.join(privateFolder(), 'data')),
    await start(path.join(privateFolder(), 'data')),
  ];
  expect(one.address('x').password).not.toBe(other.address('x').password);
  expect(one.admin('x').password).not.toBe(one.address('x').password);
  for (const file of ['logins.json', 'postgres.log'])
    expect(statSync(path.join(one.folder, file)).mode & 0o077, file).toBe(0);
  for (const password of ['prepadata', '', other.address('x').password]) {
    const db = openDatabase({ ...one.address('postgres'), password }, { connections: 1 });
    await expect(db.query('SELECT 1')).rejects.toThrow(/password/);
    await db.close();
  }
});

test('a cluster of the time before passwords is given one', async () => {
  const folder = path.join(privateFolder(), 'data');
  const first = await start(folder);
  const admin = openDatabase(first.admin('postgres'), { connections: 1 });
  await admin.query("CREATE ROLE early SUPERUSER LOGIN PASSWORD 'x'");
  await admin.query('DROP ROLE prepadata');
  const early = openDatabase({ ...first.admin('postgres'), user: 'early', password: 'x' }, { connections: 1 });
  await early.query('ALTER ROLE postgres RENAME TO prepadata');
  await early.query("ALTER ROLE prepadata PASSWORD 'prepadata'");
  await early.close();
  await admin.close();
  await first.stop();
  rmSync(path.join(first.folder, 'logins.json'));
  const second = await start(folder);
  const known = openDatabase({ ...second.address('postgres'), password: 'prepadata' }, { connections: 1 });
  await expect(known.query('SELECT 1')).rejects.toThrow(/password/);
  await known.close();
  expect(await second.ensureDatabase('x')).toBe(true);
});

test('a lost file of passwords is said, and what to do', async () => {
  const folder = path.join(privateFolder(), 'data');
  const first = await start(folder);
  await first.stop();
  rmSync(path.join(first.folder, 'logins.json'));
  await expect(startEmbeddedPostgres({ folder })).rejects.toThrow(/does not take the password in its logins.json/);
  writeFileSync(path.join(first.folder, 'logins.json'), '');
  await expect(startEmbeddedPostgres({ folder })).rejects.toThrow(/logins.json, with the passwords .* cannot be read/);
  // Nothing is left running, and the remedy works.
  writeFileSync(
    path.join(first.folder, 'logins.json'),
    JSON.stringify({ superuser: first.admin('x'), application: first.address('x') }),
  );
  expect((await start(folder)).adopted).toBe(false);
});

test('a running server keeps its files when packages are installed anew', async () => {
  const server = await start(path.join(privateFolder(), 'data'));
  const own = readdirSync(server.folder).filter((name) => name.startsWith('native-'));
  expect(own).toHaveLength(1);
  expect(existsSync(path.join(server.folder, own[0] ?? '', 'share/postgresql/timezone/Europe/Paris'))).toBe(true);
});

test('two that start at the same moment and prefer the same port both come up, each on its own data', async () => {
  const homes = [path.join(privateFolder(), 'data'), path.join(privateFolder(), 'data')];
  const [first, second] = await Promise.all(homes.map((home) => start(home)));
  const ports = [first, second].map((server) => path.join(server?.folder ?? '', 'port'));
  for (const server of servers.splice(0)) await server.stop();
  for (const file of ports) rmSync(file);
  const port = await freePort();
  const starting = start(homes[0] ?? '', { port });
  // It has found the port free, but does not listen there yet.
  while (!existsSync(ports[0] ?? '')) await new Promise(setImmediate);
  const both = await Promise.all([starting, start(homes[1] ?? '', { port })]);
  for (const server of both) {
    const db = openDatabase(server.admin('postgres'), { connections: 1 });
    expect(await db.query('SHOW data_directory')).toEqual([{ data_directory: path.join(server.folder, 'data') }]);
    await db.close();
  }
  expect(new Set(both.map((server) => server.address('x').port)).size).toBe(2);
});

test.each([
  ['the cluster is being made', 'data.new/PG_VERSION'],
  ['the server comes up', 'data/postmaster.pid'],
])('who leaves while %s leaves nothing running', async (_, made) => {
  const folder = openFolder();
  const program = `
    const { startEmbeddedPostgres } = await import('#libs/platform/embedded-postgres/embedded.ts');
    const fs = await import('node:fs');
    setInterval(() => fs.existsSync('${folder}/server/${made}') && process.exit(7), 5);
    await startEmbeddedPostgres({ folder: '${folder}/server' });`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program], { cwd: ROOT });
  const [code] = await once(child, 'exit');
  expect(code).toBe(7);
  // Creating one takes a second or more; a server that is told to stop takes less.
  await sleep(made.startsWith('data.new') ? 100 : 5_000);
  expect(execFileSync('ps', ['-eo', 'args', '-ww'], { encoding: 'utf8' })).not.toContain(`${folder}/server/`);
});

test('a server whose folder has another name is used, and one whose folder was moved is started anew', async () => {
  const folder = openFolder();
  const [asked, moved, link] = ['server', 'moved', 'link'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  const { pid } = await start(asked);
  symlinkSync(asked, link);
  expect(await startEmbeddedPostgres({ folder: link })).toMatchObject({ pid, adopted: true });
  renameSync(asked, moved);
  const server = await start(moved);
  expect(server.adopted).toBe(false);
  expect(await server.ensureDatabase('x')).toBe(true);
});

test('a server that was killed comes back, also where another program of its user has its pid by then', async () => {
  const folder = path.join(openFolder(), 'server');
  const { pid, ensureDatabase } = await start(folder);
  await ensureDatabase('kept');
  process.kill(pid, 'SIGKILL');
  const file = path.join(folder, 'data/postmaster.pid');
  const { uid, gid } = statSync(file);
  const other = spawn('sleep', ['100'], { uid, gid, stdio: 'ignore' });
  try {
    await expect.poll(() => execFileSync('ps', ['-eo', 'args', '-ww'], { encoding: 'utf8' })).not.toContain(folder);
    writeFileSync(file, readFileSync(file, 'utf8').replace(/^\d+/, String(other.pid)));
    const server = await start(folder);
    expect([server.adopted, await server.ensureDatabase('kept')]).toEqual([false, false]);
    expect(other.exitCode).toBeNull();
  } finally {
    other.kill();
  }
});

test('a server that is up and lets nobody in for a while, as on a machine that has much to do, is waited for', async () => {
  const folder = path.join(openFolder(), 'server');
  const file = path.join(folder, 'data/postmaster.pid');
  const halt =
    'until grep -qs ready "$0"; do :; done; pid=$(head -n 1 "$0"); kill -STOP $pid; sleep 3; kill -CONT $pid';
  const halting = spawn('sh', ['-c', halt, file], { stdio: 'ignore' });
  const ended = once(halting, 'exit');
  try {
    const server = await start(folder);
    expect(await server.ensureDatabase('x')).toBe(true);
    await ended;
  } finally {
    halting.kill();
  }
});

test('a package whose script npm did not run lacks the links among its libraries, and works', async () => {
  const folder = openFolder();
  const { initdb, postgres } = await loadBinaries();
  const [bin, native] = [path.dirname(postgres), path.dirname(path.dirname(postgres))];
  cpSync(native, path.join(folder, 'native'), { recursive: true, filter: (file) => !lstatSync(file).isSymbolicLink() });
  cpSync(path.join(native, '../package.json'), path.join(folder, 'package.json'));
  const at = (file: string): string => path.join(folder, 'native', path.basename(bin), path.basename(file));
  const binaries = { initdb: at(initdb), postgres: at(postgres) };
  expect((await start(path.join(folder, 'server'), { binaries })).adopted).toBe(false);
});

test('what the machine refuses is told with what helps', async () => {
  const folder = openFolder();
  writeFileSync(path.join(folder, 'file'), '');
  const refused = (name: string) => startEmbeddedPostgres({ folder: path.join(folder, name) }).catch((error) => error);
  expect(await refused('file')).toMatchObject({
    message: expect.stringContaining('could not be set up: '),
    hint: expect.stringMatching(/make room.* DATA_DIR/),
  });
  for (const name of ['a "b"', 'c$d', 'e`f`'])
    expect(await refused(name)).toMatchObject({
      message: expect.stringContaining('hands the path to a shell'),
      hint: expect.stringContaining('DATA_DIR'),
    });
});

test.runIf(process.getuid?.() === 0)('root leaves to another user what is theirs', async () => {
  const mine = path.join(openFolder(), 'mine');
  mkdirSync(mine);
  chownSync(mine, 4242, 4242);
  await expect(startEmbeddedPostgres({ folder: mine })).rejects.toMatchObject({
    message: `${mine} belongs to another user (number 4242), and this is root`,
    hint: expect.stringContaining('without sudo'),
  });
  expect(statSync(mine).uid).toBe(4242);
});
