import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** The folder for the packages of a requirements file, which Git ignores. */
function folderOf(requirements: string): string {
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  return path.join(import.meta.dirname, '../../.stack', `python-${hash}`);
}

/** Whether to skip tests with these packages: outside CI, unless they are already installed. */
export const isPythonLeftOut = (requirements: string): boolean =>
  process.env['CI'] === undefined && !existsSync(folderOf(requirements));

/** Requirements of uv, which installs in seconds what takes pip minutes; it is itself installed by pip. */
const INSTALLER = path.join(import.meta.dirname, 'installer.txt');

/** The folder with the packages of a requirements file, which are installed if missing. */
async function packages(requirements: string): Promise<string> {
  const folder = folderOf(requirements);
  if (existsSync(folder)) return folder;
  // Others may be installing the same: the first to finish moves its complete folder into place.
  const made = `${folder}.${process.pid}.${Date.now()}`;
  const common = ['install', '--quiet', '--upgrade', '--only-binary', ':all:', '--target', made, '-r', requirements];
  if (requirements === INSTALLER) {
    await python(['-m', 'pip', ...common, '--disable-pip-version-check'], {});
  } else {
    const uv = path.join(await packages(INSTALLER), 'bin/uv');
    const index = await indexOfPip();
    await execute(uv, ['pip', ...common, '--python', 'python3', ...(index === '' ? [] : ['--index-url', index])], {});
  }
  try {
    renameSync(made, folder);
  } catch (error) {
    rmSync(made, { recursive: true, force: true });
    if (!existsSync(folder)) throw error;
  }
  return folder;
}

/** The package index in pip's configuration, which other tools do not read; empty for the default. */
export async function indexOfPip(): Promise<string> {
  return (await python(['-m', 'pip', 'config', 'get', 'global.index-url'], {}).catch(() => '')).trim();
}

/**
 * Runs a Python program that may import the packages of a requirements file. @returns what it prints
 * @param args the program and its arguments; a program from the packages is named `bin/<name>`
 * @param options timeout in milliseconds, working folder and environment
 */
export async function runPython(
  requirements: string,
  args: readonly string[],
  options: { timeout: number; cwd?: string; env?: NodeJS.ProcessEnv },
): Promise<string> {
  const folder = await packages(requirements);
  const [program = '', ...rest] = args;
  const file = program.startsWith('bin/') ? path.join(folder, program) : program;
  // Keeps the bytecode of packages and programs with them, so that it is compiled only once.
  const bytecode = path.join(folder, 'bytecode');
  const env = { ...process.env, ...options.env, PYTHONPATH: folder, PYTHONPYCACHEPREFIX: bytecode };
  return python([file, ...rest], { maxBuffer: 256 * 1024 * 1024, ...options, env });
}

const python = (args: readonly string[], options: object): Promise<string> => execute('python3', args, options);

async function execute(program: string, args: readonly string[], options: object): Promise<string> {
  try {
    const { stdout } = await run(program, args, { ...options, encoding: 'utf8' });
    return stdout;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new Error('python3 is not installed; on Debian: apt-get install python3 python3-pip', { cause: error });
  }
}
