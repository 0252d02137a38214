import { forTerminal } from '#libs/domain/text.ts';

/** Progress on one line that is written over on a terminal; elsewhere a line each time the text changes in kind. */
export class StatusLine {
  readonly #out: NodeJS.WriteStream;
  #kind = '';
  #shown = false;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  /** @param kind of what is said: off a terminal only the first line of each kind is printed */
  show(kind: string, said: string): void {
    const text = forTerminal(said);
    if (this.#out.isTTY) {
      const width = (this.#out.columns || 100) - 3;
      this.#out.write(`\r\u001b[K  ${text.length > width ? `${text.slice(0, width - 1)}…` : text}`);
      this.#shown = true;
    } else if (kind !== this.#kind) this.#out.write(`  ${text}\n`);
    this.#kind = kind;
  }

  /** Ends the line, so that what follows stands on its own. */
  clear(): void {
    if (this.#shown) this.#out.write('\r\u001b[K');
    this.#shown = false;
  }

  print(text: string): void {
    this.clear();
    this.#out.write(`${forTerminal(text)}\n`);
  }
}
