// Outlives a run of the tests: at its end ends the servers of Postgres that are left in its folder and, should the run have
// been killed, the programs that have it for their temporary files; then removes it. It hears of the end by the pipe that it
// reads, which the system closes also after a kill -9.
//   node test/support/sweeper.mjs <folder> <what a run says at its end that was not killed>
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

const [folder, endedWell] = process.argv.slice(2);
// Whoever stops a whole group means the others.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
const isKilled = (await text(process.stdin)) !== endedWell;

// A program that is going may still start another.
for (let round = 0; existsSync(folder) && round < 40; round += 1) {
  const programs = isKilled ? pids().filter((pid) => read(pid, 'environ').includes(`TMPDIR=${folder}`)) : [];
  for (const pid of programs) end(pid, 'SIGKILL');
  // Servers see nothing of the environment. Their own way to end at once takes the processes under them along.
  const servers = pids().filter((pid) => read(pid, 'cmdline').includes(`postgres\0-D\0${folder}/`));
  for (const pid of servers) end(pid, 'SIGQUIT');
  if (programs.length + servers.length === 0) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  else await sleep(100);
}

/** @returns {string[]} none where the system does not list them as files */
function pids() {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
}

/** @param {string} pid @param {'environ' | 'cmdline'} what */
function read(pid, what) {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'utf8');
  } catch {
    // It has ended, or is somebody else's.
    return '';
  }
}

/** @param {string} pid @param {NodeJS.Signals} signal */
function end(pid, signal) {
  try {
    process.kill(Number(pid), signal);
  } catch {
    // It has ended meanwhile.
  }
}
