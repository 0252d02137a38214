import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** Where the packages of a requirements file are, or would be: an ignored folder of their own. */
function folderOf(requirements: string): string {
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 12);
  return path.join(import.meta.dirname, '../../.stack', `python-${hash}`);
}

/** Whether tests with these packages are to be skipped: outside CI, unless they are there already. */
export const isPythonLeftOut = (requirements: string): boolean =>
  process.env['CI'] === undefined && !existsSync(folderOf(requirements));

/** Installs in seconds what takes pip minutes, and itself needs pip. */
const INSTALLER = path.join(import.meta.dirname, 'installer.txt');

/** The folder with the packages of a requirements file, installed unless they are there. */
async function packages(requirements: string): Promise<string> {
  const folder = folderOf(requirements);
  if (existsSync(folder)) return folder;
  // Somebody else may be installing the same: whoever is first puts it in its place, whole.
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

/** Where this machine has its packages from, which pip is told and others are not; empty where from the usual place. */
export async function indexOfPip(): Promise<string> {
  return (await python(['-m', 'pip', 'config', 'get', 'global.index-url'], {}).catch(() => '')).trim();
}

/**
 * What a Python program prints that may import the packages of a requirements file.
 * @param args the program and its arguments; of a program that the packages bring, its name behind `bin/`
 * @param options milliseconds that it may take, and the folder it runs in
 */
export async function runPython(
  requirements: string,
  args: readonly string[],
  options: { timeout: number; cwd?: string; env?: NodeJS.ProcessEnv },
): Promise<string> {
  const folder = await packages(requirements);
  const [program = '', ...rest] = args;
  const file = program.startsWith('bin/') ? path.join(folder, program) : program;
  // What is compiled of packages and programs is kept with them, and so compiled once.
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
