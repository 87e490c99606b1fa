/** When a ZooKeeper member may start: the chart's script, with members that say what they are. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { until } from '../support/until.ts';
import { render, withHelm } from './support.ts';

/** Ports need not be free ones where each member has an address of its own: all of 127/8 is this machine. */
const ports = { client: 2181, election: 3888 };
let addresses = 0;

/** A member that says what it is, once it is something, and whose election port opens when it is told. */
class Member {
  mode: 'leader' | 'follower' | 'standalone' | undefined;
  #asked = 0;
  readonly #test: TestContext;
  readonly #host = `127.${1 + ((process.pid >> 8) % 254)}.${process.pid & 255}.${++addresses}`;

  private constructor(test: TestContext) {
    this.#test = test;
  }

  static async make(test: TestContext): Promise<Member> {
    const member = new Member(test);
    const server = createServer((socket) => {
      socket.on('error', () => {});
      member.#asked++;
      if (member.mode === undefined) socket.destroy();
      else socket.once('data', () => socket.end(`Zookeeper version: 3.9\nMode: ${member.mode}\nNode count: 5\n`));
    });
    await member.#listen(server, ports.client);
    return member;
  }

  async #listen(server: Server, port: number): Promise<void> {
    await new Promise<void>((resolve, reject) => server.on('error', reject).listen(port, this.#host, resolve));
    this.#test.after(() => server.close());
  }

  async elect(): Promise<void> {
    await this.#listen(
      createServer((socket) => socket.destroy()),
      ports.election,
    );
  }

  /** Resolves when it has been asked for its mode so many times more. */
  asked(times: number): Promise<boolean> {
    const goal = this.#asked + times;
    return until(() => this.#asked >= goal, 'the member to be asked');
  }

  line(id: number): string {
    return `server.${id}=${this.#host}:2888:${ports.election};${ports.client}`;
  }
}

interface Started {
  id: number;
  /** From the first one on, itself included. */
  members: readonly Member[];
  hasData?: boolean;
}

async function start(test: TestContext, { id, members, hasData = false }: Started) {
  const rendered = await render({ set: ['zookeeper.replicaCount=3'] });
  const script = rendered.get('ConfigMap', 'shop-zookeeper').data!['start.sh']!;
  const folder = await mkdtemp(join(tmpdir(), 'evenkeel-start-'));
  const marks = join(folder, 'marks');
  await mkdir(marks);
  await writeFile(join(folder, 'start.sh'), script);
  if (hasData) {
    await mkdir(join(folder, 'data/version-2'), { recursive: true });
    await writeFile(join(folder, 'data/version-2/snapshot.0'), '');
  }
  const child = spawn('bash', [join(folder, 'start.sh'), 'bash', '-c', 'echo started as $ZOO_MY_ID'], {
    env: {
      ...process.env,
      HOSTNAME: `shop-zookeeper-${id - 1}`,
      ZOO_SERVERS: members.map((member, i) => member.line(i + 1)).join(' '),
      ZOO_DATA_DIR: join(folder, 'data'),
      ZOO_DATA_LOG_DIR: join(folder, 'data/log'),
      MARKS: marks,
    },
  });
  let said = '';
  child.stdout.on('data', (bytes) => {
    said += bytes;
  });
  let stderr = '';
  child.stderr.on('data', (bytes) => {
    stderr += bytes;
  });
  const ended = new Promise<number | null>((resolve) => child.on('close', resolve));
  test.after(async () => {
    child.kill('SIGKILL');
    await ended;
    await rm(folder, { recursive: true, force: true });
    assert.equal(stderr, '');
  });
  return {
    marks: () => readdir(marks),
    waits: () => until(() => said.includes('waits for the others'), 'it to wait'),
    started: async () => {
      await until(
        () => said.includes(`started as ${id}\n`),
        () => `its start, but: ${said}`,
      );
      assert.equal(await ended, 0);
      assert.deepEqual(await readdir(marks), []);
    },
    hasStarted: () => said.includes('started'),
    stop: () => {
      child.kill('SIGTERM');
      return ended;
    },
  };
}

const members = (test: TestContext, count: number) =>
  Promise.all(Array.from({ length: count }, () => Member.make(test)));

const linux = process.platform === 'linux' ? withHelm : describe.skip;

linux('a ZooKeeper member', () => {
  it('starts at once where it is the first one, or has data', async (test) => {
    const all = await members(test, 3);
    await (await start(test, { id: 1, members: all })).started();
    await (await start(test, { id: 2, members: all, hasData: true })).started();
  });

  it('without data waits for one that serves in an ensemble', async (test) => {
    for (const mode of ['leader', 'follower'] as const) {
      const all = await members(test, 3);
      const third = await start(test, { id: 3, members: all });
      await third.waits();
      all[1]!.mode = mode;
      await third.started();
    }
  });

  it('goes along with the first one where it is needed for a majority', async (test) => {
    const all = await members(test, 3);
    const [second, third] = [await start(test, { id: 2, members: all }), await start(test, { id: 3, members: all })];
    await Promise.all([second.waits(), third.waits()]);
    assert.deepEqual(await second.marks(), ['waits'], 'started and alive, but not ready');
    await all[2]!.elect();
    await all[0]!.asked(6);
    assert.ok(!second.hasStarted(), 'another one is no help');
    await all[0]!.elect();
    await second.started();
    // The second one does not ask any more: these are rounds of the third one.
    await all[0]!.asked(3);
    assert.ok(!third.hasStarted(), 'the third one is not needed for it');
    all[0]!.mode = 'follower';
    await third.started();
  });

  it('is ready while the first one stands alone, so that an upgrade goes on to it', async (test) => {
    const all = await members(test, 3);
    all[0]!.mode = 'standalone';
    const second = await start(test, { id: 2, members: all });
    await until(async () => (await second.marks()).includes('waits-ready'), 'it to be ready');
    assert.ok(!second.hasStarted());
    all[0]!.mode = undefined;
    await until(async () => !(await second.marks()).includes('waits-ready'), 'it not to be ready');
    await all[0]!.elect();
    await second.started();
  });

  it('ends when it is told to, also while it waits', async (test) => {
    const second = await start(test, { id: 2, members: await members(test, 3) });
    await second.waits();
    assert.equal(await second.stop(), 143);
  });
});
