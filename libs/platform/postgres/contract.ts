import type { DatabaseTls } from './tls.ts';

/** Values that a statement takes; arrays become Postgres arrays, bigint int8. */
export type SqlValue = string | number | bigint | boolean | null | Date | readonly SqlValue[];

/** One statement of its own file. Named, so that each connection plans it once. */
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
   * Takes what has to be done before the commit and whose answer nobody needs: its statements, all given by now, travel with
   * COMMIT. One that fails is the failure of the transaction.
   */
  withCommit(given: Promise<unknown>): void;
}

/** A transaction that also takes rows as lines of COPY. */
export interface LoadingTransaction extends Transaction {
  /**
   * @param statement a `COPY … FROM STDIN`
   * @param lines some at a time; asked for while the server works on those before
   */
  copyIn(statement: SqlStatement, lines: Iterable<string>): Promise<void>;
}

export interface DatabaseAddress {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** Absent: not encrypted. */
  readonly ssl?: DatabaseTls;
}
