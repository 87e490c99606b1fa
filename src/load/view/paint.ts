/** Text as it is shown on a terminal. */
export interface Paint {
  bold(text: string): string;
  soft(text: string): string;
  good(text: string): string;
  warn(text: string): string;
  bad(text: string): string;
}

function wrapped(open: number, close: number): (text: string) => string {
  return (text) => `\u001b[${open}m${text}\u001b[${close}m`;
}

export const colours: Paint = {
  bold: wrapped(1, 22),
  soft: wrapped(2, 22),
  good: wrapped(32, 39),
  warn: wrapped(33, 39),
  bad: wrapped(31, 39),
};

const same = (text: string) => text;

export const plain: Paint = { bold: same, soft: same, good: same, warn: same, bad: same };

const sequence = '\u001b[';

/** The text cut to so many columns. What is between escape sequences counts, they do not. */
export function cut(text: string, columns: number): string {
  let width = 0;
  let result = '';
  for (let at = 0; at < text.length; ) {
    if (text.startsWith(sequence, at)) {
      const end = text.indexOf('m', at) + 1;
      result += text.slice(at, end);
      at = end;
      continue;
    }
    const character = String.fromCodePoint(text.codePointAt(at)!);
    if (width < columns) result += character;
    width++;
    at += character.length;
  }
  return result;
}
