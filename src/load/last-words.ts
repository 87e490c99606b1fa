/**
 * The line of a program's output that says best why it ended: the head of an error, else the last message of its log (JSON
 * lines with `msg`), else the last line.
 */
export function lastWords(output: string): string {
  const lines = output.split('\n').filter((line) => line.trim() !== '');
  const error = lines.findLast((line) => /^(\w*Error\b|evenkeel: |error: )/.test(line));
  if (error !== undefined) return error.slice(0, 500);
  const last = lines.at(-1) ?? '';
  try {
    const { msg, err } = JSON.parse(last) as { msg?: string; err?: { message?: string } };
    return err?.message === undefined ? (msg ?? last) : `${msg}: ${err.message}`;
  } catch {
    return last.slice(0, 500);
  }
}
