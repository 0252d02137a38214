import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Log } from '#libs/platform/log.ts';

const BUILDER = path.resolve(import.meta.dirname, '../../web/build.mjs');

/**
 * Builds the pages if they are missing or not made from the present sources, in a separate process, so that the large
 * builder does not stay in memory.
 * @returns a sentence for the screen; undefined if there was nothing to do
 */
export async function buildPages(log: Log): Promise<string | undefined> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [BUILDER, '--if-stale']);
    return stdout.trim() || undefined;
  } catch (error) {
    log.warn({ err: error }, 'the pages could not be built');
    return 'The pages could not be built, and everything else runs without them; npm run build:web says why.';
  }
}
