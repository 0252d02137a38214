// Outlives a test run: when the run is over, it ends the Postgres servers left in the run's folder and, if the run was
// killed, also the programs whose TMPDIR it is; then it removes the folder. It notices the end by the pipe that it reads,
// which the system closes even after a kill -9.
//   node test/support/sweeper.mjs <folder> <what a run sends at its end unless it was killed>
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

const [folder, endedWell] = process.argv.slice(2);
// A signal to the whole process group is meant for the others.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
const isKilled = (await text(process.stdin)) !== endedWell;

// Repeated, since a program may still start another before it ends.
for (let round = 0; existsSync(folder) && round < 40; round += 1) {
  const programs = isKilled ? pids().filter((pid) => read(pid, 'environ').includes(`TMPDIR=${folder}`)) : [];
  for (const pid of programs) end(pid, 'SIGKILL');
  // Servers do not have this environment. SIGQUIT ends them at once, together with their child processes.
  const servers = pids().filter((pid) => read(pid, 'cmdline').includes(`postgres\0-D\0${folder}/`));
  for (const pid of servers) end(pid, 'SIGQUIT');
  if (programs.length + servers.length === 0) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  else await sleep(100);
}

/** @returns {string[]} empty if the system has no /proc */
function pids() {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
}

/** @param {string} pid @param {'environ' | 'cmdline'} what */
function read(pid, what) {
  try {
    return readFileSync(`/proc/${pid}/${what}`, 'utf8');
  } catch {
    // It has ended, or belongs to another user.
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
