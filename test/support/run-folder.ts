import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, readFileSync, statfsSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** What a run says at its end that was not killed: then the test runner ends what still runs. */
const ENDED_WELL = 'ended well';
const MEMORY = '/dev/shm';
/** More than a whole run has at hand at one time, twice over; bytes. */
const ROOM = 8 * 1024 ** 3;

export interface RunFolder {
  readonly folder: string;
  close(): Promise<void>;
}

/**
 * The folder of a run: all temporary files of its tests lie in it, clusters of Postgres above all. At the end, also of a run
 * that is killed, servers that are left in it are ended, and it is removed.
 */
export function openRunFolder(): RunFolder {
  const folder = mkdtempSync(path.join(parent(), 'prepadata-test-'));
  // mkdtemp makes folders for their owner alone, and Postgres runs as somebody else.
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
 * Memory, where there is room: the tests make and drop hundreds of databases of a few hundred files each, which costs a
 * file system on a disk many times as much, and nothing of it is to survive. Who sets TMPDIR has it as they say.
 */
function parent(): string {
  return process.env['TMPDIR'] === undefined && existsSync(MEMORY) && isRoomy() && mayRunPrograms() ? MEMORY : tmpdir();
}

function isRoomy(): boolean {
  const { bavail, bsize } = statfsSync(MEMORY);
  const [, kilobytes = 0] = /^MemAvailable: +(\d+) kB$/m.exec(readFileSync('/proc/meminfo', 'utf8')) ?? [];
  return Math.min(bavail * bsize, Number(kilobytes) * 1024) > ROOM;
}

/** The programs of a server lie beside its data. */
const mayRunPrograms = (): boolean =>
  !new RegExp(` ${MEMORY} .*\\bnoexec\\b`).test(readFileSync('/proc/mounts', 'utf8'));
