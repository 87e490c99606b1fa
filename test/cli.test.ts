/** The command line as a shell sees it: what it prints where, what it says against what is wrong, and its exit codes. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { BookWorld } from './support/book-world.ts';
import { EvenkeelGroup, type GroupOptions } from './support/evenkeel-group.ts';
import { until } from './support/until.ts';

/** Runs a command to its end and gives all that a shell would see of it. */
async function run(args: readonly string[], options: GroupOptions = {}) {
  const { stdout, stderr, end } = await EvenkeelGroup.run(args, options);
  return { stdout, stderr, code: end!.code };
}

const away = ['--registry', 'zookeeper://127.0.0.1:1/x'];

describe('what is typed wrongly', { concurrency: 2 }, () => {
  const cases: { args: string[]; env?: Record<string, string>; says: RegExp }[] = [
    { args: ['nosuch'], says: /^evenkeel: unknown command 'nosuch'/ },
    { args: ['serve', '--wat'], says: /^evenkeel: unknown option '--wat'/ },
    { args: ['serve', 'pi', 'pi'], says: /^evenkeel: too many arguments for 'serve'/ },
    { args: ['serve', '--listen'], says: /^evenkeel: option '--listen <HOST:PORT>' argument missing/ },
    {
      args: ['serve', '--processes', '0'],
      says: /^evenkeel: option '--processes <N>' argument '0' is invalid. expected a whole number from 1 to 1024\./,
    },
    {
      args: ['serve'],
      env: { EVENKEEL_DRAIN_DELAY: 'soon' },
      says: /'--drain-delay <TIME>' value 'soon' from env 'EVENKEEL_DRAIN_DELAY' is invalid. expected a time from 0ms to 10m, such as/,
    },
    {
      args: ['serve', '--drain-delay', '5s', '--grace', '1s'],
      says: /^evenkeel: --grace is 1s: expected a time from 7s to 1h\n$/,
    },
    {
      args: ['gateway', ...away, '--drain-delay', '5s', '--grace', '1s'],
      says: /^evenkeel: --grace is 1s: expected at least 7s, 2s more than --drain-delay\n$/,
    },
    { args: ['serve', './nonesuch.ts'], says: /^evenkeel: there is no module \/.*\/nonesuch\.ts\n$/ },
    { args: ['call'], says: /^evenkeel: missing required argument 'METHOD'/ },
    {
      args: ['call', 'pi', '1'],
      says: /^evenkeel: say where the servers are known: --registry URL, or EVENKEEL_REGISTRY\n$/,
    },
    { args: ['nodes'], says: /--registry URL, or EVENKEEL_REGISTRY\n$/ },
    { args: ['gateway'], says: /--registry URL, or EVENKEEL_REGISTRY\n$/ },
    { args: ['nodes', 'get'], says: /^evenkeel: too many arguments for 'nodes'/ },
    { args: ['nodes', 'set', ...away], says: /^evenkeel: missing required argument 'ID'\n\(evenkeel nodes set --help/ },
    { args: ['nodes', 'set', 'a', '--offline'], says: /--registry URL, or EVENKEEL_REGISTRY\n$/ },
    {
      args: ['nodes', 'set', 'a', ...away],
      env: { EVENKEEL_WEIGHT: '5' },
      says: /^evenkeel: say what to set: --weight N, --offline, --online or --reset\n$/,
    },
    { args: ['nodes', 'set', '', '--offline', ...away], says: /^evenkeel: ID is empty: / },
    { args: ['nodes', 'set', 'a', '--weight', '0', ...away], says: /'--weight <N>' argument '0' is invalid/ },
    {
      args: ['nodes', 'set', 'a', '--offline', '--online', ...away],
      says: /^evenkeel: --offline and --online contradict/,
    },
    { args: ['nodes', 'set', 'a', '--reset', '--online', ...away], says: /^evenkeel: --reset .*give it alone\n$/ },
    { args: ['call', 'pi', '{bad', ...away], says: /^evenkeel: the input {bad is not valid JSON: / },
    {
      args: ['call', 'pi', '--registry', 'foo://x'],
      says: /^evenkeel: --registry: There is no registry system "foo": allowed is zookeeper, kubernetes, static, memory\.\n$/,
    },
    {
      args: ['serve', 'pi', '--listen', '127.0.0.1:0', '--registry', 'static:127.0.0.1:7110'],
      says: /^evenkeel: --registry: a server cannot be made known in a static registry, .* leave --registry out\n$/,
    },
    {
      args: ['serve', 'pi', '--listen', '127.0.0.1:0', '--registry', 'kubernetes://demo/pi'],
      says: /^evenkeel: --registry: Kubernetes itself makes a server known .*: leave --registry out, it is for clients\n$/,
    },
    {
      args: ['call', 'pi', ...away],
      env: { EVENKEEL_REGISTRY_AUTH_FILE: '/nonesuch/secret' },
      says: /^evenkeel: EVENKEEL_REGISTRY_AUTH_FILE: cannot read \/nonesuch\/secret: ENOENT/,
    },
    {
      args: ['serve', 'pi', '--listen', '127.0.0.1:0', '--registry', 'zookeeper://127.0.0.1:1/pi'],
      env: { EVENKEEL_REGISTRY_AUTH: 'digest:me:sesame' },
      says: /^evenkeel: --registry: "zookeeper:\/\/127\.0\.0\.1:1\/pi" names a folder in ZooKeeper's root, .* such as \/shop\/pi\.\n$/,
    },
  ];
  for (const { args, env = {}, says } of cases) {
    const typed = [...Object.entries(env).map((pair) => pair.join('=')), 'evenkeel', ...args].join(' ');
    it(`${typed} is told so, with exit code 2`, async () => {
      const { stdout, stderr, code } = await run(args, { env });
      assert.match(stderr, says);
      assert.doesNotMatch(stderr, /^ +at /m, 'no stack trace');
      assert.deepEqual([stdout, code], ['', 2]);
    });
  }

  it('a variable that is set to nothing is none', async () => {
    const env = { EVENKEEL_SERVICE: '', EVENKEEL_TIMEOUT: '' };
    const { code, stderr } = await run(['call', 'pi', '--registry', 'memory:none', '--timeout', '100ms'], { env });
    assert.match(stderr, /^UNAVAILABLE: /);
    assert.equal(code, 1);
  });
});

describe('secrets', () => {
  it('are never repeated, wherever they were put', async () => {
    const secret = 'hunter2';
    for (const options of [
      { args: ['serve', '--registry', `zookeeper://user:${secret}@127.0.0.1:1/x`] },
      { args: ['call', 'pi', '--registry', `zookeeper://user:${secret}@127.0.0.1:1/x`] },
      { args: ['nodes', ...away], env: { EVENKEEL_REGISTRY_AUTH: `digest-${secret}` } },
      { args: ['nodes'], env: { EVENKEEL_REGISTRY: `zookeeper://user:${secret}@127.0.0.1:1/x` } },
    ]) {
      const { stdout, stderr, code } = await run(options.args, options.env === undefined ? {} : { env: options.env });
      assert.equal(code, 2);
      assert.match(stderr, /^evenkeel: --registry: /);
      assert.doesNotMatch(stdout + stderr, new RegExp(secret));
    }
  });

  it('are read from a file, and are in no line of the log, no view and no metric', async (test) => {
    const world = await BookWorld.start(test);
    const file = join(world.folder, 'auth');
    writeFileSync(file, 'digest:user:hunter2\n');
    const env = { EVENKEEL_REGISTRY_AUTH_FILE: file };
    const server = await world.server(['--ops', '127.0.0.1:0', '--log-level', 'debug'], env);
    const { ops } = await server.line('probes and metrics are served');
    for (const path of ['nodes', 'metrics', 'readyz']) {
      assert.doesNotMatch(await (await fetch(`http://${ops}/${path}`)).text(), /hunter2/, path);
    }
    const call = await run(['call', 'quick', '--registry', world.registry, '--log-level', 'debug'], { env });
    assert.equal(call.code, 0);
    server.signal('SIGTERM');
    await server.over();
    assert.doesNotMatch(server.stdout + server.stderr + call.stdout + call.stderr, /hunter2/);
  });
});

describe('what cannot be done', { concurrency: 2 }, () => {
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-cli-'));
  const taken = createServer();
  let port = 0;
  before(async () => {
    await new Promise<void>((resolve) => taken.listen(0, '127.0.0.1', resolve));
    port = (taken.address() as { port: number }).port;
  });
  after(() => {
    taken.close();
    rmSync(folder, { recursive: true });
  });

  const modules: [what: string, text: string, says: RegExp][] = [
    [
      'throws',
      `console.log(1);\nthrow new Error('no database\\nhere');`,
      /^evenkeel: cannot load .*\.ts: no database here \(line 2\)\n$/,
    ],
    ['is no code', 'export default {;', /^evenkeel: cannot load .*\.ts: .*expected.*\n$/i],
    [
      'imports what is not there',
      `import 'nonesuch-package';`,
      /^evenkeel: cannot load .*: Cannot find package 'nonesuch-package'.*\n$/,
    ],
    ['exports nothing', 'export const a = 1;', /^evenkeel: .*\.ts does not export default { service, handlers }\n$/],
    [
      'exports no handlers',
      `export default { service: { name: 'x', methods: {} } };`,
      /does not export default { service, handlers }\n$/,
    ],
    [
      'lacks a handler',
      `export default { service: { name: 'x', methods: { a: {} } }, handlers: {} };`,
      /^evenkeel: .* has no handler for method "a"\n$/,
    ],
    [
      'has a handler too many',
      `export default { service: { name: 'x', methods: { a: {} } }, handlers: { a() {}, b() {}, toString() {} } };`,
      /^evenkeel: .* has handlers for what is no method of "x": b, toString; its methods are a\n$/,
    ],
    [
      'cannot warm up',
      `export default { service: { name: 'x', methods: {} }, handlers: {}, warmUp() { throw new Error('too cold'); } };`,
      /^evenkeel: the module's warmUp failed: too cold\n$/,
    ],
  ];
  for (const [what, text, says] of modules) {
    for (const more of what === 'throws'
      ? [
          ['--processes', '2'],
          ['--threads', '1'],
        ]
      : [['--processes', '2']]) {
      it(`a module that ${what}, with ${more.join(' ')}, is said in one line, with exit code 1`, async () => {
        const file = join(folder, `${what.replaceAll(' ', '-')}.ts`);
        writeFileSync(file, text);
        const { stdout, stderr, code } = await run(['serve', file, '--listen', '127.0.0.1:0', ...more]);
        assert.match(stderr, says);
        assert.equal(code, 1);
        assert.doesNotMatch(stdout, /error/);
      });
    }
  }

  const imported: [what: string, file: string, text: string, says: RegExp][] = [
    [
      'TypeScript that is none',
      'a.ts',
      'export const a = 1;\nexport const b = ;',
      /: Expression expected \(in .*a\.ts, line 2\)/,
    ],
    [
      'JavaScript that is none',
      'b.mjs',
      'export const a = 1;\nexport const b = ;',
      /: Unexpected token ';' \(in .*b\.mjs, line 2\)/,
    ],
    [
      'a throw',
      'c.ts',
      `function f() {\n  throw new Error('no database');\n}\nf();`,
      /: no database \(in .*c\.ts, line 2\)/,
    ],
  ];
  for (const [what, name, text, says] of imported) {
    it(`a module that imports ${what} is told in which file and line`, async () => {
      writeFileSync(join(folder, name), text);
      const file = join(folder, `imports-${name}.ts`);
      writeFileSync(file, `import './${name}';\nexport default {};`);
      const { stderr, code } = await run(['serve', file, '--listen', '127.0.0.1:0']);
      assert.match(stderr, /^evenkeel: cannot load .*imports-.*: .*\n$/);
      assert.match(stderr, says);
      assert.equal(code, 1);
    });
  }

  const ports: [string, (at: string) => string[], RegExp][] = [
    [
      'serve --listen',
      (at) => ['serve', '--listen', at, ...away],
      /^evenkeel: cannot listen on .*: the port is in use\n$/,
    ],
    [
      'serve --ops',
      (at) => ['serve', '--listen', '127.0.0.1:0', '--ops', at, ...away],
      /^evenkeel: the ops port cannot .*--ops off\.\n$/,
    ],
    [
      'gateway --listen',
      (at) => ['gateway', '--listen', at, ...away],
      /^evenkeel: the gateway cannot listen on .* in use/,
    ],
    [
      'gateway --rpc',
      (at) => ['gateway', '--listen', '127.0.0.1:0', '--rpc', at, ...away],
      /^evenkeel: cannot listen on .*: the port is in use\n$/,
    ],
    [
      'gateway --ops',
      (at) => ['gateway', '--listen', '127.0.0.1:0', '--ops', at, ...away],
      /^evenkeel: the ops port cannot/,
    ],
    [
      'zookeeper --listen',
      (at) => ['zookeeper', '--listen', at],
      /^evenkeel: cannot listen on .*: the port is in use\n$/,
    ],
  ];
  for (const [what, args, says] of ports) {
    it(`${what} on a taken port is said in one line, with exit code 1`, async () => {
      const { stderr, code } = await run(args(`127.0.0.1:${port}`));
      assert.match(stderr, says);
      assert.equal(stderr.split('\n').length, 2);
      assert.equal(code, 1);
    });
  }

  it('a host that is not ours', async () => {
    const { stderr, code } = await run(['serve', '--listen', '192.0.2.1:0']);
    assert.match(stderr, /^evenkeel: cannot listen on 192\.0\.2\.1:0: "192\.0\.2\.1" is no address of this machine\n$/);
    assert.equal(code, 1);
  });

  it('setting a node in a registry that is away', async () => {
    // Also with the registry before `set`.
    const { stdout, stderr, code } = await run(['nodes', ...away, 'set', 'a', '--offline']);
    assert.match(stderr, /^evenkeel: the registry cannot be read: .*127\.0\.0\.1:1.*\n$/);
    assert.deepEqual([stdout, code], ['', 1]);
  });

  it('nodes of a registry that is away', async () => {
    const { stdout, stderr, code } = await run(['nodes', ...away]);
    assert.match(stderr, /^evenkeel: the registry cannot be read: .*127\.0\.0\.1:1.*\n$/);
    assert.deepEqual([stdout, code], ['', 1]);
  });

  it('a call that finds no server says why of each, and that it was not made', async () => {
    const args = ['call', 'pi', '1', '--registry', 'static:127.0.0.1:1', '--timeout', '500ms'];
    const { stdout, stderr, code } = await run(args);
    assert.match(stderr, /^UNAVAILABLE: no server can be reached: .*127\.0\.0\.1:1.*ECONNREFUSED.*\(NO_NODES\)\n$/);
    assert.deepEqual([stdout, code], ['', 1]);
  });
});

describe('help', { concurrency: 2 }, () => {
  it('of all is on stdout and names every command, with exit code 0', async () => {
    const { stdout, stderr, code } = await run(['--help']);
    for (const name of ['serve', 'call', 'nodes', 'gateway', 'zookeeper', 'demo', 'loadtest', 'ledger']) {
      assert.match(stdout, new RegExp(`^  ${name} `, 'm'));
    }
    assert.match(stdout, /Exit codes: 0 done, 1 it failed, 2 it was asked for wrongly/);
    assert.deepEqual([stderr, code], ['', 0]);
  });

  for (const name of ['serve', 'call', 'nodes', 'gateway', 'zookeeper', 'demo', 'loadtest', 'ledger']) {
    it(`of ${name} has an example, and says of each option what it is without a word from you`, async () => {
      const { stdout, code } = await run([name, '--help']);
      assert.equal(code, 0);
      assert.match(stdout, new RegExp(`^Examples?:\n  evenkeel ${name}`, 'm'));
      assert.doesNotMatch(stdout, /undefined|null|\[object/);
      if (name === 'serve')
        assert.match(stdout.replaceAll(/\s+/g, ' '), /--processes <N> .* \[default 1; env EVENKEEL_PROCESSES\]/);
    });
  }
});

it('help, too, ends in peace when its reader has read enough', async (test) => {
  const running = EvenkeelGroup.start(test, ['serve', '--help']);
  running.closeStdout();
  assert.equal(await running.over(), 0);
  assert.equal(running.stderr, '');
});

it('a Node that is too old is told so in one line, with exit code 2, before anything is loaded', async () => {
  const old = `data:text/javascript,Object.defineProperty(process.versions, 'node', { value: '22.9.1' })`;
  const { stdout, stderr, code } = await run(['serve', 'pi'], { env: { NODE_OPTIONS: `--import="${old}"` } });
  assert.equal(stderr, 'evenkeel: this is Node 22.9.1, and it needs 22.19 or later\n');
  assert.deepEqual([stdout, code], ['', 2]);
});

describe('call and nodes', () => {
  let world: BookWorld;
  let server: EvenkeelGroup;
  const closers: (() => unknown)[] = [];
  before(async () => {
    world = await BookWorld.start({ after: (close) => void closers.push(close as () => unknown) });
    server = world.launch(['--processes', '2', '--ops', '127.0.0.1:0']);
    await server.line('registered in ZooKeeper');
  });
  after(async () => {
    for (const close of closers.reverse()) await close();
  });
  const call = (...args: string[]) => run(['call', ...args, '--registry', world.registry]);

  it('prints the result as one line of JSON, and nothing else', async () => {
    const { stdout, stderr, code } = await call('read', '{"id": "a b"}');
    assert.match(stdout, /^\{"id":"a b","pid":\d+\}\n$/);
    assert.deepEqual([stderr, code], ['', 0]);
  });

  it('prints an error as CODE: message on stderr, with exit code 1', async () => {
    for (const [args, says] of [
      [['fail', '"rpc"'], /^NOT_FOUND: no such thing \(NO_THING\)\n$/],
      [['fail', '"error"'], /^INTERNAL: the handler failed \(UNHANDLED; it may have run\)\n$/],
      [['read', '{"id": 1}'], /^INVALID_ARGUMENT: input\.id: .*\n$/],
      [['nosuch'], /^UNIMPLEMENTED: "book" has no method "nosuch": expected .*\n$/],
      [['burn', '3000', '--timeout', '1s'], /^DEADLINE_EXCEEDED: .*\(it may have run\)\n$/],
    ] as const) {
      const { stdout, stderr, code } = await call(...args);
      assert.match(stderr, says);
      assert.deepEqual([stdout, code], ['', 1]);
    }
  });

  it('repeats the call, and says on stderr who answered', async () => {
    const { stdout, stderr, code } = await call(
      'read',
      '{"id": "r"}',
      '--repeat',
      '3',
      '--interval',
      '1ms',
      '--show-node',
    );
    assert.equal(stdout.trim().split('\n').length, 3);
    const [entry] = world.entries;
    const id = /rpc-([0-9a-f]{16})-/.exec(entry!)![1];
    assert.match(stderr, new RegExp(`^(node ${id}, attempts 1\n){3}$`));
    assert.equal(code, 0);
  });

  it('repeats until it is stopped, and goes on after an error', async (test) => {
    const args = ['call', 'fail', '"rpc"', '--repeat', '0', '--interval', '10ms', '--registry', world.registry];
    const running = EvenkeelGroup.start(test, args);
    await until(() => running.stderr.split('\n').length > 3, 'a few calls');
    running.signal('SIGINT');
    assert.equal(await running.over(), 1, 'some call failed');
  });

  it('ends in peace when its reader has read enough', async (test) => {
    const args = ['call', 'quick', '--repeat', '0', '--interval', '1ms', '--registry', world.registry];
    const running = EvenkeelGroup.start(test, args);
    await until(() => running.stdout !== '', 'a result');
    running.closeStdout();
    assert.equal(await running.over(), 0);
    assert.equal(running.stderr, '');
  });

  it('checks the service that answers', async () => {
    const { stderr, code } = await call('quick', '--service', 'other', '--timeout', '1s');
    assert.match(stderr, /^UNAVAILABLE: .*service "book" answers, expected "other".*\n$/);
    assert.equal(code, 1);
  });

  it('lists the nodes as JSON lines where stdout is no terminal', async () => {
    const { stdout, stderr, code } = await run(['nodes', '--registry', world.registry]);
    const nodes = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(nodes.length, 1);
    const { addr, base, weight, share, state, inFlight, lastCause } = nodes[0];
    const { listen } = await server.line('serving');
    assert.deepEqual(
      { addr, base, weight, share, state, inFlight, lastCause },
      { addr: listen, base: 1024, weight: 1024, share: 1, state: 'live', inFlight: 0, lastCause: 'joined' },
    );
    assert.deepEqual([stderr, code], ['', 0]);
  });

  it('watches the nodes until it is stopped', async (test) => {
    const watching = EvenkeelGroup.start(test, ['nodes', '--watch', '--registry', world.registry]);
    await until(() => watching.stdout.includes('\n'), 'the first view');
    const second = await world.server();
    const { listen } = await second.line('serving');
    await until(() => watching.stdout.includes(`"addr":"${listen}"`), 'the second server');
    second.signal('SIGTERM');
    assert.equal(await second.over(), 0);
    watching.signal('SIGTERM');
    assert.equal(await watching.over(), 0);
    const views = watching.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    const seen = views.map(({ registry, nodes }) => [registry, nodes.map((node: { addr: string }) => node.addr)]);
    assert.deepEqual(seen[0], ['known', [(await server.line('serving')).listen]], 'a line is a whole view');
    assert.ok(seen.some(([, addrs]) => addrs.length === 2));
    for (const { time } of views) assert.match(time, /^\d{4}-\d\d-\d\dT.*Z$/);
    const texts = views.map(({ nodes }) =>
      JSON.stringify(nodes, (key, value) => (key === 'nextProbe' || key === 'inFlight' ? undefined : value)),
    );
    for (const [i, text] of texts.entries()) assert.notEqual(text, texts[i - 1], 'nothing is said twice');
  });

  it('says on stderr that no server is listed, where stdout is no terminal', async () => {
    const { stdout, stderr, code } = await run(['nodes', '--registry', `zookeeper://${world.zookeeper.connect}/empty`]);
    assert.deepEqual([stdout, stderr, code], ['', 'evenkeel: the registry lists no server\n', 0]);
  });

  it('serves probes, a view and metrics beside the calls', async () => {
    const { ops } = await server.line('probes and metrics are served');
    const get = (path: string) => fetch(`http://${ops}/${path}`);
    const sum = async (method: string) => {
      const text = await (await get('metrics')).text();
      const line = new RegExp(`^rpc_server_call_duration_seconds_count{method="${method}",code="OK"} (\\d+)$`, 'm');
      return Number(line.exec(text)?.[1] ?? 0);
    };
    await until(async () => (await get('readyz')).status === 200, 'readiness');
    assert.equal((await get('livez')).status, 200);
    const view = (await (await get('nodes')).json()) as {
      service: string;
      registry: { state: string };
      server: { state: string; workers: { pid: number; state: string }[] };
    };
    assert.deepEqual(
      [view.service, view.registry.state, view.server.state, view.server.workers.map(({ state }) => state).join()],
      ['book', 'registered', 'serving', 'ready,ready'],
    );

    const client = world.client();
    const spread = async (n: number) => Promise.all(Array.from({ length: n }, () => client.read({ id: 'm', ms: 50 })));
    await until(async () => new Set((await spread(4)).map(({ pid }) => pid)).size === 2, 'calls to both workers');
    const before = await sum('read');
    assert.ok(before >= 4);
    // What a dead worker had counted stays in the sum.
    process.kill(server.workers[0]!, 'SIGKILL');
    let least = before;
    await until(async () => {
      const now = await sum('read');
      assert.ok(now >= least, `${now} calls after ${least}`);
      least = now;
      return /^evenkeel_server_worker_deaths_total 1$/m.test(await (await get('metrics')).text());
    }, 'the death to be counted');
    await until(
      async () => /^evenkeel_server_workers 2$/m.test(await (await get('metrics')).text()),
      'the next worker',
    );
    await spread(6);
    assert.ok((await sum('read')) >= before + 6);
    await client.close();
  });

  it('has one registration all the while', () => {
    assert.equal(world.entries.length, 1);
  });
});

it('a server that no registry knows says how it is found', async (test) => {
  const server = EvenkeelGroup.start(test, ['serve', '--listen', '127.0.0.1:0', '--drain-delay', '0']);
  const { level, clients } = await server.line(
    'no --registry is given: only clients that are told the address find this server',
  );
  const { listen } = await server.line('serving');
  assert.deepEqual([level, clients], ['warn', `static:${listen}`]);
  server.signal('SIGTERM');
  assert.equal(await server.over(), 0);
});

describe('evenkeel zookeeper', () => {
  it('says that it forgets, serves, and exits with 0 when told to', async (test) => {
    const zookeeper = EvenkeelGroup.start(test, ['zookeeper', '--listen', '127.0.0.1:0']);
    const { connect } = await until(() => zookeeper.lines[0], 'its first line');
    assert.match(zookeeper.lines[0]!.msg, /in memory, everything in it is gone when it stops/);
    const registry = `zookeeper://${connect}/demo`;
    const server = EvenkeelGroup.start(test, [
      'serve',
      '--listen',
      '127.0.0.1:0',
      '--registry',
      registry,
      '--drain-delay',
      '0',
    ]);
    await server.line('registered in ZooKeeper');
    const { stdout } = await run(['call', 'pi', '98', '--registry', registry]);
    assert.equal(Number(stdout).toFixed(11), '3.13837578257');
    server.signal('SIGTERM');
    assert.equal(await server.over(), 0);
    zookeeper.signal('SIGINT');
    assert.equal(await zookeeper.over(), 0);
  });
});
