import type { DatabaseTls } from './tls.ts';

/** Values that a statement takes; arrays become Postgres arrays, bigint becomes int8. */
export type SqlValue = string | number | bigint | boolean | null | Date | readonly SqlValue[];

/** A statement from a file of its own. Named, so that each connection plans it once. */
export interface SqlStatement {
  readonly name: string;
  readonly text: string;
}

/** Anything a statement can be run on: a pool or one transaction's connection. */
export interface Queryable {
  query<R extends object>(statement: SqlStatement | string, values?: readonly SqlValue[]): Promise<R[]>;
}

export interface Transaction extends Queryable {
  /**
   * For work that has to be done before the commit but whose answer nobody needs: its statements, all issued by now, are sent
   * together with COMMIT. If one fails, the transaction fails.
   */
  withCommit(given: Promise<unknown>): void;
}

/** A transaction that also accepts rows as lines of COPY. */
export interface LoadingTransaction extends Transaction {
  /**
   * @param statement a `COPY … FROM STDIN`
   * @param lines several per item; the next are asked for while the server works on the previous ones
   */
  copyIn(statement: SqlStatement, lines: Iterable<string>): Promise<void>;
}

export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  /** May change while the program runs: each connection asks for it. */
  readonly password: string;
  /** Absent: not encrypted. May change like the password. */
  readonly ssl?: DatabaseTls;
}
