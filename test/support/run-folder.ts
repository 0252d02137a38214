import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Sent to the sweeper by a run that was not killed: the test runner then ends what still runs. */
const ENDED_WELL = 'ended well';
const MEMORY = '/dev/shm';
/** More than twice what a whole run uses at any time, bytes. */
const ROOM = 8 * 1024 ** 3;

export interface RunFolder {
  readonly folder: string;
  close(): Promise<void>;
}

/**
 * The folder of a run, for all temporary files of its tests, mainly Postgres clusters. At the end of the run, even if it is
 * killed, servers left in it are ended, and it is removed.
 */
export function openRunFolder(): RunFolder {
  const folder = mkdtempSync(path.join(parent(), 'prepadata-test-'));
  // mkdtemp makes folders that only their owner can enter, and Postgres runs as another user.
  chmodSync(folder, 0o755);
  const sweeper = spawn(process.execPath, [path.join(import.meta.dirname, 'sweeper.mjs'), folder, ENDED_WELL], {
    detached: true,
    stdio: ['pipe', 'ignore', 'inherit'],
  });
  sweeper.unref();
  (sweeper.stdin as unknown as { unref(): void }).unref();
  sweeper.stdin.on('error', () => {});
  process.env['TMPDIR'] = folder;
  return {
    folder,
    close: async () => {
      sweeper.ref();
      sweeper.stdin.end(ENDED_WELL);
      await once(sweeper, 'exit');
    },
  };
}

/**
 * In memory if there is room: the tests make and drop hundreds of databases of a few hundred files each, which takes many
 * times as long on a disk, and nothing of it has to survive. TMPDIR takes precedence.
 */
function parent(): string {
  return process.env['TMPDIR'] === undefined && existsSync(MEMORY) && isRoomy() && mayRunPrograms() ? MEMORY : tmpdir();
}

function isRoomy(): boolean {
  const { bavail, bsize } = statfsSync(MEMORY);
  const [, kilobytes = 0] = /^MemAvailable: +(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? [];
  return Math.min(bavail * bsize, Number(kilobytes) * 1024) > ROOM;
}

/** The programs of a server lie beside its data, so the file system must allow running them. */
const mayRunPrograms = (): boolean =>
  !new RegExp(` ${MEMORY} .*\\bnoexec\\b`).test(readFileSync('/proc/mounts', 'utf8'));
