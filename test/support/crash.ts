import type { Database } from '#libs/platform/postgres/database.ts';
import type { Chance } from '../property/disturbance.ts';
import { interpose } from './interpose.ts';

/** Stands for the sudden death of the process. */
export class Crash extends Error {
  constructor(at: string) {
    super(`crashed ${at}`);
    this.name = 'Crash';
  }
}

/**
 * A database with which the process crashes now and then: before a statement, which undoes its transaction, or after a
 * commit, whose success is then never reported.
 */
export function crashing(db: Database, chance: Chance, probability: number): Database {
  const maybe = (at: string): void => {
    if (chance() < probability) throw new Crash(at);
  };
  const fragile = interpose(db, (name, when) => {
    if (when === 'before') maybe(`before ${name}`);
  });
  const told = async <T>(committed: Promise<T>): Promise<T> => {
    const result = await committed;
    maybe('after a commit');
    return result;
  };
  return {
    ...fragile,
    transaction: (work) => told(fragile.transaction(work)),
    loading: (work) => told(fragile.loading(work)),
  };
}

/** Restarts the work after each crash, as a supervisor would. */
export async function withRestarts<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof Crash)) throw error;
    }
  }
}
