/** A list that is longer than what is in memory of it: sent as it is read, in whatever form. */
export class LongAnswer {
  readonly first: readonly unknown[];
  readonly more: AsyncIterable<readonly unknown[]>;

  constructor(first: readonly unknown[], more: AsyncIterable<readonly unknown[]>) {
    this.first = first;
    this.more = more;
  }

  async *parts(): AsyncGenerator<readonly unknown[]> {
    yield this.first;
    yield* this.more;
  }
}
