import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { messageOf, PrepaError } from '#libs/domain/errors.ts';
import { runProgram } from '#libs/platform/program.ts';
import { DORMANT_MONTHS, describe, judge, type Release } from './judge.ts';
import { REASONS } from './reasons.ts';

const USAGE = `Which packages that run have had no release for ${DORMANT_MONTHS} months, and why they stay.

  npm run dormant

Asks the registry that npm is set to. A mirror may say when it took a release over, and not when that came out: then a
package seems younger than it is. Exit codes: 0 each has its reason; 1 reasons are missing or needless, or the registry
does not answer; 2 an argument is not known.
`;

const run = promisify(execFile);
const AT_ONCE = 4;

async function releaseOf(name: string): Promise<Release> {
  try {
    const { stdout } = await run('npm', ['view', name, 'version', 'time', '--json'], { timeout: 60_000 });
    const { version, time } = JSON.parse(stdout) as { version: string; time: Record<string, string> };
    const at = Date.parse(time[version] ?? '');
    if (Number.isNaN(at)) throw new Error(`it knows no day of ${version}`);
    return { name, version, at };
  } catch (error) {
    throw new PrepaError(
      'registry_away',
      `the registry of npm says nothing of ${name}: ${messageOf(error).split('\n')[0]}`,
      `see that npm view ${name} time works on this machine`,
      { cause: error },
    );
  }
}

await runProgram({ name: 'dormant', usage: USAGE }, async () => {
  const { dependencies } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
    readonly dependencies: Readonly<Record<string, string>>;
  };
  const left = Object.keys(dependencies);
  const asked = left.length;
  const releases: Release[] = [];
  const askOn = async (): Promise<void> => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) releases.push(await releaseOf(name));
  };
  await Promise.all(Array.from({ length: AT_ONCE }, askOn));
  const judged = judge(releases, REASONS, Date.now());
  process.stdout.write(describe(judged, asked));
  return judged.needless.length > 0 || judged.dormant.some(({ why }) => why === undefined) ? 1 : 0;
});
