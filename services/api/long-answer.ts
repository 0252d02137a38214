/** A list of which only a part is in memory: sent as it is read, in any format. */
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
