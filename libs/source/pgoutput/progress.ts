import { messageOf, UnrecoverableError } from '#libs/domain/errors.ts';
import { isDatabaseFault } from '#libs/platform/postgres/database.ts';
import type { StoredProgress } from '../contract.ts';
import { Waiting } from '../postgres/faults.ts';
import { noteUnlogged, type Origin, originText } from '../postgres/signature.ts';
import type { Subscription } from './options.ts';

function explainFailure(error: unknown): never {
  const [said, cause] = [messageOf(error), { cause: error }];
  if (isDatabaseFault(error))
    throw new Waiting(`the analytics database, which keeps the progress, does not answer: ${said}`, cause);
  throw new UnrecoverableError(
    'progress_store',
    `the progress of the source's stream cannot be read or written: ${said}`,
    'check the tables of the analytics database with the migrate role; then start again',
    cause,
  );
}

export async function readStored(run: Subscription): Promise<StoredProgress | undefined> {
  const stored = await run.settings.progress.read(run.settings.stream).catch(explainFailure);
  run.signal.throwIfAborted();
  return stored;
}

export async function beginEpoch(run: Subscription, origin: Origin, reason: string): Promise<number> {
  const { settings } = run;
  const epoch = await settings.progress.beginEpoch(settings.stream, originText(origin), reason).catch(explainFailure);
  run.unreadable = undefined;
  settings.log('info', `epoch ${epoch} of the source begins: ${reason}`);
  run.signal.throwIfAborted();
  return epoch;
}

/** Stores the source's present origin, when its change has lost nothing. */
export async function noteOrigin(run: Subscription, epoch: number, origin: Origin): Promise<void> {
  const { progress, stream } = run.settings;
  await progress.noteOrigin(stream, epoch, originText(origin)).catch(explainFailure);
}

/** @throws the failure of checking the tables, once it is known what follows from it */
export async function heedFailure(run: Subscription, failure: unknown): Promise<never> {
  const { progress, stream } = run.settings;
  await noteUnlogged(failure, progress, stream).catch(explainFailure);
  throw failure;
}

/** @returns another process that follows a source into the same database, if there is one */
export async function readOtherFollower(run: Subscription): Promise<string | undefined> {
  const other = await run.settings.progress.otherFollower().catch(explainFailure);
  run.signal.throwIfAborted();
  return other;
}
