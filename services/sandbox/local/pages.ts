import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Log } from '#libs/platform/log.ts';

const BUILDER = path.resolve(import.meta.dirname, '../../web/build.mjs');

/**
 * Builds the pages where they are missing or not of what they are made of, in a process of its own: what builds them is large,
 * and is not kept.
 * @returns a sentence for the screen; undefined where there was nothing to do
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
