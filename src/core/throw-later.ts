/**
 * What a callback throws is its owner's affair: it becomes an uncaught exception of its own, as with EventTarget, and does
 * not go off in the middle of whoever called it.
 */
export function throwLater(error: unknown): void {
  process.nextTick(() => {
    throw error;
  });
}
