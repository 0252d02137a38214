import type { Database } from '#libs/platform/postgres/database.ts';
import type { Chance } from '../property/disturbance.ts';
import { Crash } from '../support/crash.ts';
import { interpose } from '../support/interpose.ts';

/** A process, as far as its database can tell: once dead it sends nothing more, and its connections are gone. */
export interface Mortal {
  readonly db: Database;
  readonly isDead: boolean;
  /** A moment at which it may die. @throws Crash if it dies or is dead */
  moment(at: string): void;
}

export function mortal(db: Database, chance: Chance, probability: number): Mortal {
  let isDead = false;
  const moment = (at: string): void => {
    isDead ||= chance() < probability;
    if (isDead) throw new Crash(at);
  };
  return {
    db: interpose(db, (name, when) => moment(`${when} ${name}`)),
    get isDead() {
      return isDead;
    },
    moment,
  };
}
