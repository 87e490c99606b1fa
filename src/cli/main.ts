#!/usr/bin/env node
import { readFileSync } from 'node:fs';

const { version, engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
const needed = engines.node.replace('>=', '');
const { node } = process.versions;

if (node.localeCompare(needed, 'en', { numeric: true }) < 0) {
  console.error(`evenkeel: this is Node ${node}, and it needs ${needed} or later`);
  process.exitCode = 2;
} else {
  // Only now: what is loaded here cannot be, on a Node that is too old.
  const { run } = await import('./program.ts');
  await run(version);
}
