import { fileURLToPath } from 'node:url';

/** Path of a file of this package from one beside it: `.ts` in the sources is `.js` in the built package. */
export function ownFile(name: string, from: string): string {
  return fileURLToPath(new URL(from.endsWith('.ts') ? name : name.replace(/\.ts$/, '.js'), from));
}
