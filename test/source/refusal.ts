import { expect } from 'vitest';
import type { PrepaError } from '#libs/domain/errors.ts';
import type { DatabaseAddress } from '#libs/platform/postgres/database.ts';
import { type PgoutputOptions, pgoutputSource } from '#libs/source/pgoutput/index.ts';
import { freshPrefix } from './postgres-world.ts';
import { MemoryProgress } from './world.ts';

/** The error of a source that is read for the first time, with no epoch begun before. */
export function failureOf(address: DatabaseAddress, options: Partial<PgoutputOptions> = {}): Promise<PrepaError> {
  const progress = new MemoryProgress();
  const source = pgoutputSource({ address, progress, slotPrefix: freshPrefix(), ...options });
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no error; ${source.status().detail}`)), 30_000);
    const subscription = source.deliveries().subscribe({
      next: () => {
        subscription.unsubscribe();
        reject(new Error('it was followed'));
      },
      error: (error: PrepaError) => {
        clearTimeout(timer);
        expect(source.status()).toMatchObject({ state: 'stopped', detail: error.message });
        expect(progress.stored).toBeUndefined();
        resolve(error);
      },
    });
  });
}

/** The statements that a hint says to run, one text for each way it names. */
export const statementsIn = (hint: string): string[] =>
  hint
    .split('run: ')
    .slice(1)
    .map((way) => way.slice(0, way.lastIndexOf(';') + 1))
    .map((way) => way.replace(/; or, .*$/, ';'));
