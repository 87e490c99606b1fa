/**
 * Bad input on real sockets. Expected of all of it: an error with a code on that connection, or silence where the design
 * says so; the server lives; memory does not grow by what was announced; and others, who call all the while, notice nothing.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../src/core/clock.ts';
import { codes } from '../src/core/code.ts';
import { seeded } from '../src/core/random.ts';
import { chosenSeed, mutate, pick } from './support/mutate.ts';
import { call, classic, frame, jsonOf, outputOf, preface, type RawPeer, type } from './support/raw-peer.ts';
import { until } from './support/until.ts';
import { Victim } from './support/victim.ts';

const MiB = 1_048_576;

/** What a client by hand got last: `reply VALUE`, `error CODE/REASON of ID`, in either protocol. */
function answers(peer: RawPeer, protocol: 'framed' | 'classic'): string[] {
  if (protocol === 'classic') {
    return peer.messages.map(({ out, result }) =>
      out === 'error' ? `error ${(result as { code: string }).code}` : `reply ${JSON.stringify(result)}`,
    );
  }
  return peer.frames
    .filter((it) => it.type !== type.hello)
    .map((it) => {
      if (it.type === type.reply) return `reply ${JSON.stringify(outputOf(it))}`;
      const { code, reason } = jsonOf(it);
      const kind = it.type === type.error ? 'error' : it.type === type.refused ? 'refused' : `type ${it.type}`;
      return `${kind} ${reason === undefined ? code : `${code}/${reason}`}${it.id === 0 ? ' of all' : ''}`;
    });
}

async function answered(peer: RawPeer, protocol: 'framed' | 'classic', count = 1): Promise<string[]> {
  await until(() => answers(peer, protocol).length >= count || peer.closed, `${count} answers`);
  return answers(peer, protocol);
}

test('bad first words: a coded error or silence, the end, and one debug line each', async (t) => {
  const victim = await Victim.start(t);
  const witness = victim.witness(t);
  const hex = (text: string) => Buffer.from(text, 'hex');
  for (const [what, bytes] of Object.entries({
    'a TLS ClientHello': hex(`16030100f8010000f40303${'5a'.repeat(240)}`),
    'an HTTP request': Buffer.from('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'),
    'an HTTP/2 preface': Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
    'an SSH banner': Buffer.from('SSH-2.0-OpenSSH_9.6\r\n'),
    'a later version': Buffer.from('EVKL\x02'),
    'length 0xFFFFFFFF': hex('ffffffff'),
    'length 0x80000000': hex('00000080'),
    'length 0': hex('00000000'),
    'one more than the limit': hex('01004000'),
    'a body that begins no object': hex('0500000031'),
    'framed, length 0xFFFFFFFF': Buffer.concat([preface, hex('ffffffff')]),
    'framed, length 0x80000000': Buffer.concat([preface, hex('00000080')]),
    'framed, length 0': Buffer.concat([preface, hex('00000000')]),
    'framed, length 4': Buffer.concat([preface, hex('04000000')]),
    'framed, more than the longest frame': Buffer.concat([preface, hex('01444000')]),
    'framed, a type that is none': Buffer.concat([preface, frame(0, 1)]),
    'framed, the same id twice': Buffer.concat([preface, call({ id: 2 }), call({ id: 2 })]),
  })) {
    const peer = victim.knock();
    const since = systemClock.now();
    peer.send(bytes);
    await until(() => peer.closed, `the end after ${what}`);
    const { lines } = await victim.report();
    const rest = lines.filter((line) => !line.startsWith('debug '));
    assert.deepEqual([lines.length, rest], [1, []], `${what}: ${lines}`);
    const framed = bytes.subarray(0, 4).toString() === 'EVKL';
    const said = answers(peer, framed ? 'framed' : 'classic').at(-1) ?? '';
    assert.match(said, framed ? /^error [A-Z_]+(\/[A-Z_]+)? of all$/ : /^error [A-Z_]+$/, what);
    assert.ok(systemClock.now() - since < 30_000);
  }
  const scan = victim.knock();
  scan.stream.end();
  await until(() => scan.closed, 'the end of a port scan');
  assert.equal((await victim.report()).lines.length, 1);
  await witness.settle();
});

test('every limit of size: at the limit it passes, one beyond it does not; framed, the connection goes on', async (t) => {
  const limits = { message: 10_000, metadata: 100, depth: 8, calls: 4 };
  const victim = await Victim.start(t, limits);
  const witness = victim.witness(t);
  const text = (size: number) => `"${'x'.repeat(size - 2)}"`;
  const nested = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);
  const metadata = (size: number) => `{"k":"${'x'.repeat(size - 8)}"}`;

  const framed = victim.knock();
  framed.send(preface);
  let id = 0;
  const ask = async (given: Omit<Parameters<typeof call>[0], 'id'>) => {
    const before = answers(framed, 'framed').length;
    framed.send(call({ id: ++id, ...given }));
    return (await answered(framed, 'framed', before + 1)).at(-1);
  };
  assert.equal(await ask({ input: text(10_000) }), `reply ${text(10_000)}`);
  for (const size of [10_001, 10_010, 10_500]) {
    assert.equal(await ask({ input: text(size) }), 'error RESOURCE_EXHAUSTED/TOO_LARGE', `${size}`);
  }
  assert.equal(await ask({ metadata: metadata(100), input: '1' }), 'reply 1');
  assert.equal(await ask({ metadata: metadata(101), input: '1' }), 'error RESOURCE_EXHAUSTED/TOO_LARGE');
  assert.equal(await ask({ input: nested(8) }), `reply ${nested(8)}`);
  assert.equal(await ask({ input: nested(9) }), 'error INVALID_ARGUMENT');
  assert.equal(await ask({ name: 'test/text', input: '9998' }), `reply ${text(10_000)}`);
  assert.equal(await ask({ name: 'test/text', input: '9999' }), 'error RESOURCE_EXHAUSTED/TOO_LARGE');
  const before = answers(framed, 'framed').length;
  framed.send(...[1, 2, 3, 4].map(() => call({ id: ++id, name: 'test/wait', input: '300' })));
  framed.send(call({ id: ++id, input: '5' }));
  const waited = (await answered(framed, 'framed', before + 5)).slice(before);
  assert.deepEqual(waited.toSorted(), [...Array(4).fill('reply 300'), 'refused UNAVAILABLE/REFUSED'].toSorted());
  assert.equal(await ask({ input: '"still here"' }), 'reply "still here"');
  assert.equal(framed.closed, false);
  // Beyond what a message, its metadata and their heads may take, a frame is not read at all.
  framed.send(call({ id: ++id, input: text(12_000) }));
  await until(() => framed.closed, 'the end after a frame that is too long');
  assert.equal(answers(framed, 'framed').at(-1), 'error RESOURCE_EXHAUSTED/TOO_LARGE of all');

  const plain = victim.knock();
  const message = (size: number) => {
    const around = '{"in":"double","params":""}'.length;
    return classic(`{"in":"double","params":"${'x'.repeat(size - around)}"}`);
  };
  plain.send(
    message(10_000),
    classic(`{"in":"echo","params":${nested(8)}}`),
    classic(`{"in":"echo","params":${nested(9)}}`),
  );
  plain.send(...[1, 2, 3, 4, 5, 6].map((n) => classic({ in: 'wait', params: n })));
  assert.deepEqual(await answered(plain, 'classic', 9), [
    'error INVALID_ARGUMENT',
    `reply ${nested(8)}`,
    'error INVALID_ARGUMENT',
    ...[1, 2, 3, 4, 5, 6].map((n) => `reply ${n}`),
  ]);
  plain.send(message(10_001));
  await until(() => plain.closed, 'the end after a message that is too long');
  assert.equal(answers(plain, 'classic').at(-1), 'error RESOURCE_EXHAUSTED');
  await witness.settle();
});

test('wrong methods, values and JSON are errors of their own calls', async (t) => {
  const victim = await Victim.start(t);
  const witness = victim.witness(t);
  const cases: [method: string, input: string, answer: RegExp][] = [
    ['nosuch', '1', /^error UNIMPLEMENTED$/],
    ['__proto__', '1', /^error UNIMPLEMENTED$/],
    ['constructor', '1', /^error UNIMPLEMENTED$/],
    ['toString', '1', /^error UNIMPLEMENTED$/],
    ['', '1', /^error (UNIMPLEMENTED|INVALID_ARGUMENT)$/],
    ['double', '"5"', /^error INVALID_ARGUMENT$/],
    ['double', 'null', /^error INVALID_ARGUMENT$/],
    ['double', '[5]', /^error INVALID_ARGUMENT$/],
    ['double', '{"toString":1,"valueOf":2}', /^error INVALID_ARGUMENT$/],
    ['double', '1e999', /^error INVALID_ARGUMENT$/],
    ['double', 'NaN', /^error INVALID_ARGUMENT$/],
    ['double', '-Infinity', /^error INVALID_ARGUMENT$/],
    ['double', 'undefined', /^error INVALID_ARGUMENT$/],
    ['double', "'5'", /^error INVALID_ARGUMENT$/],
    ['double', '5 5', /^error INVALID_ARGUMENT$/],
    ['echo', '{"a":', /^error INVALID_ARGUMENT$/],
    ['echo', '{"__proto__":{"admin":true}}', /^error INVALID_ARGUMENT$/],
    ['echo', '{"a":[{"\\u005f_proto__":1}]}', /^error INVALID_ARGUMENT$/],
    ['echo', '['.repeat(100_000), /^error INVALID_ARGUMENT$/],
    ['echo', `{"constructor":{"prototype":{"admin":true}}}`, /^reply /],
    ['echo', `"${'\\ud800'}"`, /^reply /],
    ['double', '5', /^reply 10$/],
  ];
  const framed = victim.knock();
  framed.send(preface, ...cases.map(([method, input], i) => call({ id: i + 1, name: `test/${method}`, input })));
  await answered(framed, 'framed', cases.length);
  const byId = new Map(framed.frames.filter((it) => it.id > 0).map((it, i) => [it.id, answers(framed, 'framed')[i]]));
  for (const [i, [method, input, expected]] of cases.entries()) {
    assert.match(byId.get(i + 1) ?? '', expected, `${method} ${input.slice(0, 40)}`);
  }
  const plain = victim.knock();
  plain.send(...cases.map(([method, input]) => classic(`{"in":${JSON.stringify(method)},"params":${input}}`)));
  const inOrder = await answered(plain, 'classic', cases.length);
  for (const [i, [method, input, expected]] of cases.entries()) {
    assert.match(inOrder[i] ?? '', expected, `classic ${method} ${input.slice(0, 40)}`);
  }
  assert.deepEqual([framed.closed, plain.closed], [false, false]);
  await witness.settle();
});

test('half a head, half a body, an unread answer: each has its time, and then the end', async (t) => {
  const limits = { headerTimeout: 300, bodyTimeout: 600, writeTimeout: 900 };
  const victim = await Victim.start(t, limits);
  const witness = victim.witness(t);
  const framedCall = call({ id: 1 });
  for (const [bytes, limit, protocol] of [
    [Buffer.from('EV'), 300, 'none'],
    [Buffer.concat([preface, framedCall.subarray(0, 2)]), 300, 'framed'],
    [Buffer.concat([preface, framedCall.subarray(0, 12)]), 600, 'framed'],
    [Buffer.concat([classic({ in: 'echo' }), Buffer.from([5, 0])]), 300, 'classic'],
    [classic({ in: 'echo' }).subarray(0, 8), 600, 'classic'],
  ] as const) {
    const peer = victim.knock();
    const since = systemClock.now();
    peer.send(bytes);
    await until(() => peer.closed, `the end of ${bytes.toString('latin1')}`);
    assert.ok(systemClock.now() - since >= limit, `${systemClock.now() - since} ms`);
    if (protocol !== 'none') assert.match(answers(peer, protocol).at(-1) ?? '', /^error DEADLINE_EXCEEDED/);
  }
  const peer = victim.knock(false);
  const since = systemClock.now();
  // More than the buffers of the system take.
  peer.send(preface, ...Array.from({ length: 30 }, (_, i) => call({ id: i + 1, name: 'test/text', input: '4000000' })));
  const unread = async () => (await victim.report()).lines.some((line) => /has read nothing for 900 ms/.test(line));
  await until(unread, 'the end of who does not read');
  assert.ok(systemClock.now() - since >= 900);
  peer.stream.destroy();
  await witness.settle();
});

test('200 idle connections of all kinds stay, and others are served', async (t) => {
  const victim = await Victim.start(t, { headerTimeout: 300, bodyTimeout: 300 });
  const witness = victim.witness(t);
  const before = await victim.report();
  const peers = Array.from({ length: 200 }, () => victim.knock());
  for (const [i, peer] of peers.entries()) {
    if (i % 3 === 1) peer.send(classic({ in: 'echo', params: i }));
    if (i % 3 === 2) peer.send(preface, call({ id: 1, input: `${i}` }));
  }
  await until(() => peers.every((peer, i) => i % 3 === 0 || peer.received > 20), 'the first answers');
  await systemClock.sleep(1_500);
  assert.equal(peers.filter((peer) => peer.closed).length, 0);
  const { held } = await victim.report();
  const each = (held - before.held) / 200;
  t.diagnostic(`${Math.round(each)} bytes for each idle connection`);
  assert.ok(each < 16_384, `${Math.round(each)} bytes for each idle connection`);
  for (const peer of peers) peer.send(classic({ in: 'echo', params: 'late' }));
  await until(() => peers.every((peer, i) => i % 3 === 2 || peer.messages.length > 0), 'late answers');
  for (const peer of peers) peer.stream.destroy();
  await witness.settle();
});

test('1,000 connections that announce 4 MiB and send a byte are ended in time, and take no memory', async (t) => {
  const victim = await Victim.start(t, { bodyTimeout: 1_000 });
  const witness = victim.witness(t);
  await victim.report();
  const before = await victim.report();
  const peers = Array.from({ length: 1_000 }, () => victim.knock());
  for (const [i, peer] of peers.entries()) {
    if (i % 2 === 0)
      peer.send(
        preface,
        call({ id: 1, input: `"${'x'.repeat(64)}` })
          .fill(0x40, 2, 3)
          .subarray(0, 20),
      );
    else peer.send(Buffer.from([0, 0, 0x40, 0, 0x7b]));
  }
  await until(
    () => peers.every((peer) => peer.received > 0 || peer.closed || peer.stream.writableLength === 0),
    'the bytes',
  );
  const during = await victim.report();
  const { held, rss } = { held: during.held - before.held, rss: during.rss - before.rss };
  t.diagnostic(`${held} bytes held, ${rss} resident, for 4 GiB announced`);
  assert.ok(held < 32 * MiB, `${held} bytes held for 4 GiB announced`);
  assert.ok(rss < 96 * MiB, `${rss} bytes resident for 4 GiB announced`);
  await until(() => peers.every((peer) => peer.closed), 'the end of all of them');
  const codes = new Set(peers.map((peer, i) => answers(peer, i % 2 === 0 ? 'framed' : 'classic').at(-1)));
  assert.deepEqual([...codes].toSorted(), ['error DEADLINE_EXCEEDED', 'error DEADLINE_EXCEEDED/PROTOCOL of all']);
  await witness.settle();
});

test('clients that ask for 4 MiB again and again and never read are paused, then cut', async (t) => {
  const victim = await Victim.start(t, { writeTimeout: 2_000 });
  const witness = victim.witness(t);
  await victim.report();
  const before = await victim.report();
  const peers = Array.from({ length: 10 }, () => victim.knock(false));
  for (const [i, peer] of peers.entries()) {
    const hundred = Array.from({ length: 100 }, (_, n) => n + 1);
    if (i % 2 === 0) peer.send(preface, ...hundred.map((id) => call({ id, name: 'test/text', input: '4000000' })));
    else peer.send(...hundred.map(() => classic({ in: 'text', params: 4_000_000 })));
  }
  // 4 GB were asked for.
  let most = 0;
  let cut = 0;
  await until(async () => {
    const { held, lines } = await victim.report();
    most = Math.max(most, held - before.held);
    cut += lines.filter((line) => /the peer has read nothing for 2000 ms/.test(line)).length;
    return cut >= 10;
  }, 'the cut of all of them');
  t.diagnostic(`${most} bytes held for ten who do not read`);
  assert.ok(most < 200 * MiB, `${most} bytes held`);
  for (const peer of peers) peer.stream.destroy();
  await witness.settle();
});

test('a flood of calls begun and cancelled keeps no more handlers at work than allowed', async (t) => {
  const victim = await Victim.start(t, { calls: 50 });
  const witness = victim.witness(t);
  const peer = victim.knock();
  peer.send(preface);
  const flood = 20_000;
  for (let id = 1; id <= flood; id++) {
    peer.send(call({ id, name: 'test/wait', input: '60000' }), frame(type.cancel, id));
    if (id % 500 === 0) await until(() => peer.stream.writableLength < MiB, 'the flood to be taken');
  }
  peer.send(call({ id: flood + 1, name: 'test/waiting' }));
  await until(() => answers(peer, 'framed').length >= flood + 1, 'all answers', 60_000);
  const last = peer.frames.find((it) => it.id === flood + 1);
  if (last?.type === type.reply) {
    const { most } = outputOf(last) as { most: number };
    assert.ok(most <= 50, `${most} handlers at once`);
  }
  await witness.settle();
});

test('10,000 mutated frames to the server', async (t) => {
  const seed = chosenSeed();
  t.diagnostic(`EVENKEEL_SEED=${seed}`);
  const random = seeded(seed);
  const victim = await Victim.start(t);
  const witness = victim.witness(t);
  const good = {
    framed: [
      call({ id: 1, input: '{"a":[1,2,{"b":"text"}]}' }),
      call({ id: 2, name: 'test/double', input: '21', metadata: '{"k":"v"}', remaining: 5_000 }),
      call({ id: 3, name: 'test/text', input: '100' }),
      frame(type.cancel, 3),
      frame(type.ping, 0),
      frame(0x81, 7, 'later'),
    ],
    classic: [
      classic({ in: 'echo', params: { a: [1, 2, { b: 'text' }] } }),
      classic({ in: 'double', params: 21 }),
      classic('{"in":"ping"}'),
      classic(' {"params":[1e3,null,true,"\\u00e9"],"in":"echo"}'),
    ],
  };
  let sent = 0;
  let errors = 0;
  const batch = async (protocol: 'framed' | 'classic') => {
    const frames = Array.from({ length: 10 }, () => {
      const bytes = pick(random, good[protocol]);
      return random() < 0.7 ? mutate(bytes, random) : bytes;
    });
    sent += frames.length;
    const whole = Buffer.concat(protocol === 'framed' ? [preface, ...frames] : frames);
    const bytes = random() < 0.1 ? mutate(whole, random) : whole;
    const peer = victim.knock();
    peer.send(bytes);
    peer.stream.end();
    await until(() => peer.closed, `the end of ${bytes.toString('hex')}`);
    victim.assertAlive();
    const framed = bytes.subarray(0, 4).toString('latin1') === 'EVKL';
    for (const said of answers(peer, framed ? 'framed' : 'classic')) {
      if (!said.startsWith('error ') && !said.startsWith('refused ')) continue;
      errors++;
      assert.ok(
        codes.some((code) => said.includes(` ${code}`)),
        `${said} to ${bytes.toString('hex')}`,
      );
    }
  };
  while (sent < 10_000) {
    await Promise.all(Array.from({ length: 20 }, (_, i) => batch(i % 2 === 0 ? 'framed' : 'classic')));
  }
  assert.ok(errors > 1_000, `only ${errors} errors: the frames were not bad enough`);
  const { lines } = await victim.report();
  assert.deepEqual(
    lines.filter((line) => !line.startsWith('debug ')),
    [],
  );
  await witness.settle();
});
