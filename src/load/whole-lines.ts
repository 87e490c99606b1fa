import { StringDecoder } from 'node:string_decoder';

/**
 * Lines out of bytes that come in pieces. What has no end yet waits for the next piece, so that what a killed writer left torn is
 * never a line.
 */
export class WholeLines {
  readonly #decoder = new StringDecoder('utf8');
  #rest = '';

  /** The lines that end in this piece. */
  add(bytes: Buffer): string[] {
    const lines = (this.#rest + this.#decoder.write(bytes)).split('\n');
    this.#rest = lines.pop()!;
    return lines;
  }
}
