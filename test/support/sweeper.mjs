// Outlives a run of the tests that is killed: ends what it leaves behind in its folder, and removes that. It hears of the
// end by the pipe that it reads, which the system closes also after a kill -9; what ends well has removed the folder itself.
//   node test/support/sweeper.mjs <folder>
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const [folder] = process.argv.slice(2);
// Whoever stops a whole group means the others.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => {});
process.stdin.resume();
await new Promise((resolve) => process.stdin.once('close', resolve));

// A program that is going may still start another.
for (let round = 0; existsSync(folder) && round < 20; round += 1) {
  const programs = pids().filter((pid) => read(pid, 'environ').includes(`TMPDIR=${folder}`));
  for (const pid of programs) end(pid, 'SIGKILL');
  // Servers see nothing of the environment. Their own way to end at once takes the processes under them along.
  const servers = pids().filter(
    (pid) => /\bpostgres\0-D\0/.test(read(pid, 'cmdline')) && read(pid, 'cmdline').includes(`${folder}/`),
  );
  for (const pid of servers) end(pid, 'SIGQUIT');
  if (programs.length + servers.length === 0) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  else await sleep(250);
}

/** @returns {string[]} none where the system does not list them as files */
function pids() {
  if (!existsSync('/proc/self/environ')) return [];
  return readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
}

/** @param {string} pid @param {string} what */
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
