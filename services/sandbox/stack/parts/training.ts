import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startGuard } from '../guard.ts';
import { startBroker } from './broker.ts';
import { archivesIn, isTrained, keepRecorded, type Trained } from './class-archive.ts';
import { startConnect } from './connect.ts';
import { alone, completeParts } from './fetch.ts';
import type { PartOptions, RunningPart } from './process.ts';
import { startRegistry } from './registry.ts';

const NAMES: readonly Trained[] = ['broker', 'connect', 'registry'];
/** Writing an archive takes a second or two, longer on a busy machine. */
const STOP_MS = 120_000;

/**
 * Makes the missing class archives for this Java: starts each part once, in a folder of its own, and has it archive the
 * classes that it loaded when it stops, in about ten seconds. Everything also starts without them, only more slowly, so
 * nothing is thrown.
 */
export async function trainParts(folder?: string): Promise<void> {
  const parts = completeParts(folder);
  if (await areTrained(parts)) return;
  const guard = startGuard();
  try {
    const scratch = mkdtempSync(path.join(tmpdir(), 'prepadata-training-'));
    guard.remove(scratch);
    mkdirSync(archivesIn(parts), { recursive: true });
    await alone(path.join(archivesIn(parts), 'lock'), { isNeedless: () => areTrained(parts) }, () =>
      train(parts, scratch, (pid) => guard.watch(pid)),
    );
  } catch {
    // A folder without write access, a full disk, a Java that ends differently: everything goes on without archives.
  } finally {
    await guard.close();
  }
}

async function areTrained(parts: string): Promise<boolean> {
  return (await Promise.all(NAMES.map((name) => isTrained(parts, name)))).every((is) => is);
}

async function train(parts: string, scratch: string, onSpawn: (pid: number) => void): Promise<void> {
  for (const name of readdirSync(archivesIn(parts)))
    if (name.endsWith('.new')) rmSync(path.join(archivesIn(parts), name));
  const options = (name: Trained): PartOptions => ({
    folder: path.join(scratch, name),
    parts,
    onSpawn,
    isRecording: true,
  });
  const broker = await startBroker(options('broker'));
  const [connect, registry] = await Promise.all([
    startConnect({ ...options('connect'), brokers: broker.address }),
    startRegistry(options('registry')),
  ]);
  // Connect still needs the broker when it stops.
  await Promise.all([finish(parts, 'connect', connect), finish(parts, 'registry', registry)]);
  await finish(parts, 'broker', broker);
}

async function finish(parts: string, name: Trained, part: RunningPart): Promise<void> {
  await part.stop(STOP_MS);
  const { code } = await part.exited;
  await keepRecorded(parts, name, code);
}
