/**
 * For commands whose stdout is their result: whoever reads it may have read enough (`| head -1`), which is no failure.
 * Not for servers: their log must not end them.
 */
export function endWithReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1));
}
