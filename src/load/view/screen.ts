import { cut } from './paint.ts';

/** Where the view is written. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
  readonly columns?: number | undefined;
  readonly rows?: number | undefined;
}

/** Lines of a terminal that are drawn again in their place. */
export class Screen {
  readonly #output: Output;
  #drawn = 0;
  #open = false;

  constructor(output: Output) {
    this.#output = output;
  }

  /** Shows these lines in place of those shown last. */
  draw(lines: readonly string[]): void {
    const { columns = 80, rows = 24 } = this.#output;
    if (!this.#open) this.#output.write('\u001b[?25l');
    this.#open = true;
    const shown = lines.slice(0, rows - 1).map((line) => `${cut(line, columns - 1)}\u001b[K\n`);
    const up = this.#drawn > 0 ? `\u001b[${this.#drawn}A` : '';
    // In one piece: a half-drawn frame would flicker.
    this.#output.write(`${up}${shown.join('')}\u001b[J`);
    this.#drawn = shown.length;
  }

  /** Leaves what is shown where it is; what comes next stands below. */
  close(): void {
    if (this.#open) this.#output.write('\u001b[?25h');
    this.#open = false;
    this.#drawn = 0;
  }
}
