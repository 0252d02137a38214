import type { Database, Queryable, SqlStatement, Transaction } from '#libs/platform/postgres/database.ts';

/** Called before and after every statement, with its name; an error from it becomes the statement's. */
export type Hook = (name: string, when: 'before' | 'after') => Promise<void> | void;

/** The database with a hook around every statement, inside transactions and out. */
export function interpose(db: Database, hook: Hook): Database {
  const wrap = (inner: Queryable): Queryable => ({
    query: async (statement, values) => {
      const name = nameOf(statement);
      await hook(name, 'before');
      const rows = await inner.query(statement, values);
      await hook(name, 'after');
      return rows as never;
    },
  });
  /** Statements that would be sent with the commit are awaited before it, so that their hooks take effect. */
  const within = async <T>(tx: Queryable, work: (tx: Transaction) => Promise<T>): Promise<T> => {
    const last: Promise<unknown>[] = [];
    const withCommit = (given: Promise<unknown>): void => {
      // It may fail before anybody awaits it.
      given.catch(() => {});
      last.push(given);
    };
    const result = await work({ ...wrap(tx), withCommit });
    await Promise.all(last);
    return result;
  };
  return {
    ...wrap(db),
    transaction: (work) => db.transaction((tx) => within(tx, work)),
    loading: (work) =>
      db.loading((tx) =>
        within(tx, (inner) =>
          work({
            ...inner,
            copyIn: async (statement, lines) => {
              await hook(statement.name, 'before');
              await tx.copyIn(statement, lines);
              await hook(statement.name, 'after');
            },
          }),
        ),
      ),
    session: async () => {
      const session = await db.session();
      return {
        ...wrap(session),
        get lost() {
          return session.lost;
        },
        listen: (channel, heard) => session.listen(channel, heard),
        close: () => session.close(),
      };
    },
    get waitingMs() {
      return db.waitingMs;
    },
    close: () => db.close(),
  };
}

const nameOf = (statement: SqlStatement | string): string =>
  typeof statement === 'string' ? statement : statement.name;

/** Holds callers at a point until it is opened. */
export class Gate {
  /** Resolves when a caller has arrived. */
  readonly reached: Promise<void>;
  #arrive: () => void = () => {};
  #open: () => void = () => {};
  readonly #opened: Promise<void>;

  constructor() {
    this.reached = new Promise((resolve) => {
      this.#arrive = resolve;
    });
    this.#opened = new Promise((resolve) => {
      this.#open = resolve;
    });
  }

  async pass(): Promise<void> {
    this.#arrive();
    await this.#opened;
  }

  open(): void {
    this.#open();
  }
}

/** A database whose next statement of this name is held at the gate after it has run. */
export function heldAfter(db: Database, name: string, gate: Gate): Database {
  let armed = true;
  return interpose(db, async (statement, when) => {
    if (!armed || when !== 'after' || !statement.includes(name)) return;
    armed = false;
    await gate.pass();
  });
}
