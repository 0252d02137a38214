import type { Database, Queryable, SqlStatement, Transaction } from '#libs/platform/postgres/database.ts';

/** Called around every statement, with its name; what it throws, the statement throws. */
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
  /** What would travel with the commit is over before it, so that the hooks are heard. */
  const within = async <T>(tx: Queryable, work: (tx: Transaction) => Promise<T>): Promise<T> => {
    const last: Promise<unknown>[] = [];
    const withCommit = (given: Promise<unknown>): void => {
      // Nobody may be listening yet when it fails.
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

/** Holds whoever comes to a point until released. */
export class Gate {
  /** Resolves when somebody has come. */
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

/** The database whose next statement of this name, having run, is held at the gate. */
export function heldAfter(db: Database, name: string, gate: Gate): Database {
  let armed = true;
  return interpose(db, async (statement, when) => {
    if (!armed || when !== 'after' || !statement.includes(name)) return;
    armed = false;
    await gate.pass();
  });
}
