/**
 * What `helm test` runs: calls from inside of the cluster, through the gateway and to each server. A line for each check;
 * exit code 1 if one of them failed. Needs nothing but Node.
 *
 *   GATEWAY          http://HOST:PORT of the gateway
 *   GATEWAY_OPS      its ops port
 *   SERVERS          name whose addresses are the servers that are ready; empty: servers are not looked at
 *   SERVER_RPC, SERVER_OPS   their ports
 *   DEMONSTRATION    "true": the service is pi
 *   TIMEOUT_SECONDS  how long a check may take to come true: pods may still be on their way
 *   MUST_FAIL        "true": also ask for what is wrong, to see that a failure is seen
 */
import assert from 'node:assert/strict';
import { lookup } from 'node:dns/promises';
import { connect, isIPv6 } from 'node:net';
// biome-ignore lint/style/noRestrictedImports: runs on its own in a pod, without the library
import { setTimeout as sleep } from 'node:timers/promises';

const { GATEWAY, GATEWAY_OPS, SERVERS = '', SERVER_RPC = '7000', SERVER_OPS = '9090' } = process.env;
const patience = Number(process.env.TIMEOUT_SECONDS ?? 60) * 1_000;
/** How long a request may take, ms. */
const limit = 10_000;

async function read(url, init) {
  const response = await fetch(url, { ...init, signal: AbortSignal.timeout(limit) });
  return { status: response.status, text: await response.text() };
}

async function call(method, input) {
  const { status, text } = await read(`${GATEWAY}/call/${method}`, { method: 'POST', body: JSON.stringify(input) });
  return { status, answer: JSON.parse(text) };
}

/** One call in the plain protocol: a length of 4 bytes, little-endian, and JSON. */
function callDirectly(host, port, message) {
  return new Promise((resolve, reject) => {
    const body = Buffer.from(JSON.stringify(message));
    const frame = Buffer.alloc(4 + body.length);
    frame.writeUInt32LE(body.length);
    body.copy(frame, 4);
    const socket = connect({ host, port: Number(port) });
    let got = Buffer.alloc(0);
    socket.setTimeout(limit, () => socket.destroy(new Error(`${host}:${port} gave no answer within ${limit} ms`)));
    socket.on('error', reject).on('close', () => reject(new Error(`${host}:${port} closed without an answer`)));
    socket.on('data', (bytes) => {
      got = Buffer.concat([got, bytes]);
      if (got.length < 4 || got.length < 4 + got.readUInt32LE()) return;
      resolve(JSON.parse(got.subarray(4).toString()));
      socket.destroy();
    });
    socket.write(frame);
  });
}

const bracketed = (host) => (isIPv6(host) ? `[${host}]` : host);
const opsOf = (host) => `http://${bracketed(host)}:${SERVER_OPS}`;
const readyServers = async () => (await lookup(SERVERS, { all: true })).map(({ address }) => address).sort();

const checks = {
  async 'the gateway is ready'() {
    assert.equal((await read(`${GATEWAY_OPS}/readyz`)).status, 200);
  },
  async 'the gateway shows its metrics'() {
    const { status, text } = await read(`${GATEWAY_OPS}/metrics`);
    assert.equal(status, 200);
    assert.match(text, /^evenkeel_gateway_requests_total/m);
  },
  async 'a call for a method that is not there is an error, and says so'() {
    const { status, answer } = await call('no-such-method', null);
    assert.equal(status, 501, JSON.stringify(answer));
    assert.equal(answer.error.code, 'UNIMPLEMENTED');
  },
};

if (process.env.DEMONSTRATION === 'true') {
  checks['ping gives back what it gets'] = async () => {
    const sent = { text: 'grüße', list: [1, 2.5, null, true] };
    assert.deepEqual(await call('ping', sent), { status: 200, answer: sent });
  };
  checks['pi has its known digits'] = async () => {
    // What the formula gives for so many terms, worked out with 30 digits.
    assert.deepEqual(await call('pi', 0), { status: 200, answer: Math.sqrt(8) });
    const { status, answer } = await call('pi', 98);
    assert.equal(status, 200);
    assert.equal(answer.toFixed(12), '3.138375782574');
    assert.equal((await call('pi', 1_000_000)).answer.toFixed(6), '3.141592');
  };
  checks['a division by zero is an error'] = async () => {
    const { status, answer } = await call('divide', { a: 1, b: 0 });
    assert.equal(status, 400);
    assert.equal(answer.error.code, 'INVALID_ARGUMENT');
    assert.equal(answer.error.message, 'division by zero');
    assert.deepEqual(await call('divide', { a: 1, b: 8 }), { status: 200, answer: 0.125 });
  };
  checks['what is not a number is refused'] = async () => {
    const { status, answer } = await call('pi', 'many');
    assert.equal(status, 400, JSON.stringify(answer));
  };
}

if (SERVERS !== '') {
  checks['every server that is ready is registered exactly once, and nobody else'] = async () => {
    const ready = await readyServers();
    assert.ok(ready.length > 0, `${SERVERS} has no address`);
    for (const host of ready) {
      const { registry } = JSON.parse((await read(`${opsOf(host)}/nodes`)).text);
      // Where Kubernetes is the registry, a server has none of its own.
      if (registry !== null) assert.equal(registry.state, 'registered', host);
    }
    const { nodes, registry } = JSON.parse((await read(`${GATEWAY_OPS}/nodes`)).text);
    assert.equal(registry.state, 'known');
    // A server that has left but still answers is kept for a while; the registry does not have it.
    const registered = nodes.filter(({ state }) => state !== 'stale' && state !== 'draining');
    assert.deepEqual(
      registered.map(({ addr }) => addr).sort(),
      ready.map((host) => `${bracketed(host)}:${SERVER_RPC}`).sort(),
    );
    for (const { addr, state } of registered) assert.ok(['live', 'suspended'].includes(state), `${addr} is ${state}`);
  };
  checks['every server that is ready answers, and shows its metrics'] = async () => {
    for (const host of await readyServers()) {
      const { out } = await callDirectly(host, SERVER_RPC, { in: 'ping', params: 1 });
      assert.ok(out === 'pong' || (out === 'error' && process.env.DEMONSTRATION !== 'true'), `${host} says ${out}`);
      const { text } = await read(`${opsOf(host)}/metrics`);
      assert.match(text, /^evenkeel_server_workers [1-9]/m, host);
    }
  };
}

if (process.env.MUST_FAIL === 'true') {
  checks['what is wrong is found to be wrong'] = async () => {
    assert.equal((await call('no-such-method', null)).status, 200);
  };
}

let failed = 0;
const until = process.uptime() * 1_000 + patience;
for (const [name, check] of Object.entries(checks)) {
  let error;
  do {
    error = await check().then(
      () => undefined,
      (cause) => cause,
    );
    if (error !== undefined) await sleep(500);
  } while (error !== undefined && process.uptime() * 1_000 < until);
  if (error === undefined) console.log(`ok      ${name}`);
  else {
    failed++;
    const why = error.cause === undefined ? error.message : `${error.message}: ${error.cause.message}`;
    console.log(`FAILED  ${name}\n        ${String(why).replaceAll('\n', '\n        ')}`);
  }
}
console.log(failed === 0 ? 'all is well' : `${failed} of ${Object.keys(checks).length} checks failed`);
process.exitCode = failed === 0 ? 0 : 1;
