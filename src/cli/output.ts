/**
 * For commands whose stdout is their result: whoever reads it may have read enough (`| head -1`), which is no failure.
 * Not for servers: their log must not end them.
 */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
}

/**
 * For commands that have more to do than to tell: who reads along may go, with a closed terminal or the other end of a pipe, and
 * what was begun is ended in order all the same.
 */
export function outliveReader(): void {
  process.stdout.on('error', () => {});
  process.stderr.on('error', () => {});
}
