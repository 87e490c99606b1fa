// Runs in a pod: says, a JSON line each, which servers the registry knows, whenever that changes.
import { openRegistry } from '/app/dist/registry/open.js';

const registry = openRegistry(process.env.EVENKEEL_REGISTRY);
const ended = new AbortController();
process.once('SIGTERM', () => ended.abort());
for await (const view of registry.watch(ended.signal)) {
  const endpoints = view.endpoints?.map(({ id, host, port }) => ({ id, address: `${host}:${port}` }));
  // biome-ignore lint/style/noRestrictedGlobals: it runs in a pod, beside k6, whose clock this is.
  console.log(JSON.stringify({ at: Date.now(), state: view.state, endpoints }));
}
await registry.close();
