import { forTerminal } from '#libs/domain/text.ts';

/** Progress on one line that is overwritten on a terminal; elsewhere a new line whenever the kind of text changes. */
export class StatusLine {
  readonly #out: NodeJS.WriteStream;
  #kind = '';
  #shown = false;

  constructor(out: NodeJS.WriteStream) {
    this.#out = out;
  }

  /** @param kind of the text: outside a terminal, only the first of several texts of one kind is printed */
  show(kind: string, said: string): void {
    const text = forTerminal(said);
    if (this.#out.isTTY) {
      const width = (this.#out.columns || 100) - 3;
      this.#out.write(`\r\u001b[K  ${text.length > width ? `${text.slice(0, width - 1)}…` : text}`);
      this.#shown = true;
    } else if (kind !== this.#kind) this.#out.write(`  ${text}\n`);
    this.#kind = kind;
  }

  /** Erases the line, so that later output stands on its own. */
  clear(): void {
    if (this.#shown) this.#out.write('\r\u001b[K');
    this.#shown = false;
  }

  print(text: string): void {
    this.clear();
    this.#out.write(`${forTerminal(text)}\n`);
  }
}
