import { connect, RpcError } from 'evenkeel';
import { greeter } from './contract.ts';

// `node docs/examples/greeter/client.ts REGISTRY-URL`
const client = connect(greeter, { registry: process.argv[2] ?? 'zookeeper://127.0.0.1:2181/greeter' });

console.log(await client.greet({ name: 'Ada' }));
console.log(await client.greet({ name: 'Ada', language: 'fr' }, { timeout: 1_000 }));
console.log(await client.visit({ name: 'Ada' }));

try {
  await client.visit({ name: 'nobody' });
} catch (error) {
  if (!RpcError.is(error)) throw error;
  console.log(`${error.code}: ${error.message}, may have executed: ${error.mayHaveExecuted}`);
}
await client.close();
