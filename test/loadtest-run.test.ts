import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { systemClock } from '../src/core/clock.ts';
import type { Books } from '../src/load/books.ts';
import type { Cluster, ClusterState, Deed } from '../src/load/cluster.ts';
import { expectedPi } from '../src/load/expected.ts';
import type { Execution } from '../src/load/ledger.ts';
import { ProcessGuard } from '../src/load/local/guard.ts';
import { reportSchema } from '../src/load/report/schema.ts';
import { type RunOptions, type RunResult, run } from '../src/load/run.ts';
import { parseScenario, ScenarioError } from '../src/load/scenario.ts';
import { view } from '../src/load/view/view.ts';
import { type Answer, failure, rightAnswer, stubGateway } from './support/http-stub.ts';

/** A cluster of nothing but an HTTP stub, which is its gateway and writes the handlers' books. */
class StubCluster implements Cluster {
  readonly kind = 'a stub';
  keepsBooks = true;
  readonly executions: Execution[] = [];
  readonly done: string[] = [];
  /** What is done instead of a right answer, to calls of the load and to those before it. */
  answer: Answer | undefined;
  rehearsal: Answer | undefined;
  startFails: string | undefined;
  booksMissing = false;
  #gateway: Awaited<ReturnType<typeof stubGateway>> | undefined;

  get gatewayUrl(): string {
    return this.#gateway!.url;
  }

  async start(): Promise<void> {
    this.done.push('start');
    if (this.startFails !== undefined) throw new Error(this.startFails);
    this.#gateway = await stubGateway((call, response) => {
      const began = systemClock.wallTime();
      const writer = { server: 'server-1', pid: 1 };
      if (call.id !== undefined) {
        this.executions.push({ id: call.id, method: call.method, writer, began, ended: began });
      }
      const other = call.id === undefined ? this.rehearsal : this.answer;
      if (other !== undefined) return other(call, response);
      rightAnswer(response, call.method === 'pi' ? expectedPi(call.input as number) : call.input);
    });
  }
  refusal: Cluster['refusal'] = ({ do: what }) => (what === 'drain' ? 'it has no machines' : undefined);
  scale = () => this.#do('scale');
  kill = () => this.#do('kill');
  freeze = () => this.#do('freeze');
  rolling = () => this.#do('rolling');
  drain = () => this.#do('drain');
  rollGateways = () => this.#do('gateway');
  zookeeperAway = () => this.#do('zookeeper-away');
  killZookeeperLeader = () => this.#do('zookeeper-leader');
  killZookeeper = () => this.#do('zookeeper-all');

  state(): ClusterState {
    const facts = {
      id: 'node-1',
      address: '',
      server: 'server-1',
      base: 1,
      weight: 1,
      share: 1,
      inFlight: 1,
      cause: null,
    };
    const nodes = [{ ...facts, state: 'live' as const }];
    return {
      ...{ at: systemClock.wallTime(), desired: 1, ready: 1, registered: 1, desiredGateways: 1 },
      servers: [{ name: 'server-1', address: '', phase: 'ready', startedAt: 0 }],
      gateways: [{ name: 'gateway', phase: 'ready', nodes }],
    };
  }
  incidents = () => [];
  usage = () => [];
  environment = () => ({ Kubernetes: 'v1.34.1' });
  async books(): Promise<Books | undefined> {
    this.done.push('books');
    return this.booksMissing ? undefined : { executions: this.executions, gaps: [] };
  }
  async close(): Promise<void> {
    this.done.push('close');
    await this.#gateway?.close();
    this.#gateway = undefined;
  }

  async #do(what: string): Promise<Deed> {
    const at = systemClock.wallTime();
    this.done.push(what);
    // There must be calls meanwhile.
    await systemClock.sleep(400);
    return { at, until: systemClock.wallTime(), servers: [], proof: [] };
  }
}

class Written {
  text = '';
  write(text: string): void {
    this.text += text;
  }
}

let directory: string;
let cluster: StubCluster;
let ending: AbortController;
let output: Written;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'evenkeel-test-'));
  cluster = new StubCluster();
  ending = new AbortController();
  output = new Written();
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Runs events on the stub, about a second each. */
async function play(events: string, more: Partial<RunOptions> = {}): Promise<RunResult> {
  const guard = new ProcessGuard();
  try {
    return await run({
      cluster,
      scenario: parseScenario(
        `name: test\nservers: 1\nload: { kind: proof, rate: 50, unsafe: 0.1 }\nevents: ${events}`,
      ),
      ...{ load: 'built-in', directory, guard, title: 'test', starting: 'Starting ...', interrupted: 'report' },
      report: join(directory, 'r.html'),
      view: view(output, systemClock, {}),
      signal: ending.signal,
      ...more,
    });
  } finally {
    await guard.close();
  }
}

const reports = () => readdirSync(directory).filter((name) => name.startsWith('r.'));
const readReport = () => reportSchema.parse(JSON.parse(readFileSync(join(directory, 'r.json'), 'utf8')));

describe('a run', { timeout: 120_000 }, () => {
  it('starts the cluster, plays, reads the books, closes it, and writes the report', async () => {
    const { ok, verdict, files, documents } = await play(
      '[{ at: 500ms, do: gateway }, { at: 500ms, do: baseline, for: 1s }]',
    );
    assert.equal(ok, true, output.text);
    assert.deepEqual(cluster.done, ['start', 'gateway', 'books', 'close', 'close']);
    assert.ok(verdict!.total.calls > 100);
    assert.deepEqual(reports(), ['r.html', 'r.json', 'r.md', 'r.svg']);
    assert.deepEqual(files.map((file) => file.slice(directory.length + 1)).sort(), reports());
    assert.equal(readFileSync(files[0]!, 'utf8'), documents!.html);
    assert.equal(readReport().environment.Kubernetes, 'v1.34.1');
    for (const said of ['Starting ...', 'pi(93) = 3.13820458320', '✔ Nothing was lost', `Report: ${files[0]}`]) {
      assert.ok(output.text.includes(said), output.text);
    }
  });

  it('is judged by its own calls, whatever the same servers wrote down before', async () => {
    const writer = { server: 'server-1', pid: 1 };
    cluster.executions.push({ id: 'earlier-1', method: 'append', writer, began: 0, ended: 1 });
    const { ok, verdict } = await play('[{ at: 500ms, do: gateway }]', { report: undefined });
    assert.equal(ok, true, JSON.stringify(verdict!.problems));
  });

  it('gives the report back where no file is asked for', async () => {
    const { documents, files } = await play('[]', { report: undefined });
    assert.deepEqual(files, []);
    assert.match(documents!.html, /<h1>Nothing was lost<\/h1>/);
    assert.deepEqual(Object.keys(documents!.pictures), ['.svg']);
    assert.deepEqual(reports(), []);
  });

  it('whose report cannot be written after all is not ok, and gives verdict and report back', async () => {
    const folder = join(directory, 'gone');
    mkdirSync(folder);
    const { ok, verdict, documents, files } = await play('[]', {
      report: join(folder, 'r.html'),
      onMoment: (moment) => {
        if (moment.kind === 'load-begins') rmSync(folder, { recursive: true });
      },
    });
    assert.deepEqual([ok, verdict!.ok, files], [false, true, []]);
    assert.match(documents!.html, /<h1>Nothing was lost<\/h1>/);
    assert.match(output.text, /^the report cannot be written: ENOENT/m);
  });

  it('that is ended in the middle is judged as far as it came, and the report says what is missing', async () => {
    const { ok, verdict } = await play(
      '[{ at: 1s, do: gateway }, { at: 1s, do: baseline, for: 60s }, { at: 1s, do: rolling }]',
      {
        onMoment(moment) {
          if (moment.kind === 'event-begins' && moment.index === 2) ending.abort(new Error('SIGTERM'));
        },
      },
    );
    assert.equal(ok, false);
    assert.equal(verdict!.outcome, 'unfinished');
    const { outcome, unplayed, problems, events } = readReport();
    assert.deepEqual([outcome, unplayed], ['unfinished', ['3 rolling restart']]);
    assert.deepEqual(
      events.map(({ name }) => name),
      ['1 rolling restart of the gateways', '2 baseline of 60 s'],
    );
    assert.ok(problems.some(({ what }) => what === 'the run was interrupted: SIGTERM'));
    assert.deepEqual(cluster.done.slice(0, 4), ['start', 'gateway', 'books', 'close']);
    assert.match(output.text, /… Not finished: \d+ calls, 0 lost until it was ended early/);
  });

  it('that is ended in the middle is not judged where nobody wants that', async () => {
    const { verdict, documents } = await play('[{ at: 1s, do: baseline, for: 60s }]', {
      interrupted: 'discard',
      onMoment(moment) {
        if (moment.kind === 'event-begins') ending.abort(new Error('SIGINT'));
      },
    });
    assert.deepEqual([verdict, documents, reports()], [undefined, undefined, []]);
    assert.ok(!cluster.done.includes('books') && cluster.done.includes('close'));
  });

  it('that is ended before it began closes the cluster and says nothing', async () => {
    ending.abort(new Error('SIGINT'));
    const { ok, verdict } = await play('[]');
    assert.deepEqual([ok, verdict], [false, undefined]);
    assert.deepEqual(cluster.done, ['close']);
  });

  it('whose load dies is judged, and names the event', async () => {
    const { verdict } = await play('[{ at: 1s, do: baseline, for: 2s }, { at: 1s, do: rolling }]', {
      onMoment(moment, load) {
        if (moment.kind === 'event-begins') process.kill(load!, 'SIGKILL');
      },
    });
    assert.equal(verdict!.outcome, 'failed');
    assert.ok(
      verdict!.problems.some(
        ({ event, what }) => event === '1 baseline of 2 s' && /load generator ended .*SIGKILL/.test(what),
      ),
      output.text,
    );
    assert.deepEqual(readReport().unplayed, ['2 rolling restart']);
  });

  it('whose load stands still for a while is red for what was not sent, and names the event', async () => {
    const { verdict } = await play('[{ at: 1s, do: baseline, for: 3s }]', {
      // So few may be without an answer at once: 1.5 s of them.
      deadline: 500,
      onMoment(moment, load) {
        if (moment.kind !== 'event-begins') return;
        process.kill(load!, 'SIGSTOP');
        systemClock.timer(2500, () => process.kill(load!, 'SIGCONT'), { keepAlive: true });
      },
    });
    assert.ok(verdict!.total.dropped > 0, output.text);
    assert.ok(
      verdict!.problems.some(
        ({ event, what }) => event === '1 baseline of 3 s' && /were due and never sent/.test(what),
      ),
      output.text,
    );
  });

  it('is red for a wrong digit, and names the event', async () => {
    let wrong = true;
    const { verdict } = await play('[{ at: 1s, do: baseline, for: 1s }]', {
      onMoment(moment) {
        if (moment.kind !== 'event-begins') return;
        cluster.answer = ({ method, input }, response) => {
          const right = method === 'pi' ? expectedPi(input as number) : input;
          rightAnswer(response, wrong && method === 'pi' ? (right as number) + 1e-9 : right);
          if (method === 'pi') wrong = false;
        };
      },
    });
    assert.equal(verdict!.total.wrong, 1);
    assert.ok(verdict!.problems.some(({ event, what }) => event === '1 baseline of 1 s' && /1 call wrong/.test(what)));
  });

  it('is red where the handlers wrote no books', async () => {
    cluster.booksMissing = true;
    const { ok } = await play('[]');
    assert.equal(ok, false);
    assert.ok(readReport().problems.some(({ what }) => /handlers' books are missing/.test(what)));
  });

  for (const [what, prepare, events, message] of [
    [
      'cannot be played there',
      () => {},
      '[{ at: 1s, do: drain }]',
      /on a stub: event 1, drain a node: it has no machines$/,
    ],
    [
      'whose cluster does not start',
      () => {
        cluster.startFails = 'the API cannot be reached';
      },
      '[]',
      /^Error: the API cannot be reached$/,
    ],
    [
      'whose gateway answers nothing',
      () => {
        cluster.rehearsal = (_, response) => void response.destroy();
      },
      '[{ at: 1s, do: kill }]',
      /^Error: the gateway http:\S+ answers no call of pi: NO_ANSWER\/UND_ERR_SOCKET; a load test needs /,
    ],
    [
      'whose servers are of another service',
      () => {
        cluster.rehearsal = (_, response) => failure(response, 'UNIMPLEMENTED', false);
      },
      '[{ at: 1s, do: kill }]',
      /answers no call of pi: UNIMPLEMENTED; /,
    ],
    [
      'whose servers have no append',
      () => {
        cluster.rehearsal = ({ method, input }, response) =>
          method === 'append'
            ? failure(response, 'UNIMPLEMENTED', false)
            : rightAnswer(response, expectedPi(Number(input)));
      },
      '[{ at: 1s, do: kill }]',
      /^Error: 10 % of the scenario's calls are of the method append, and it fails: UNIMPLEMENTED; servers that record /,
    ],
    [
      'whose servers keep no books',
      () => {
        cluster.keepsBooks = false;
      },
      '[{ at: 1s, do: kill }]',
      /^Error: the servers keep no books of their calls, .* server\.recordCalls=true/,
    ],
  ] as const) {
    it(`that ${what} says so, and leaves nothing open`, async () => {
      prepare();
      await assert.rejects(play(events), message);
      assert.ok(!cluster.done.includes('books') && !cluster.done.includes('kill'));
      assert.deepEqual(reports(), []);
      if (cluster.done.length > 0) assert.equal(cluster.done.at(-1), 'close');
    });
  }

  it('of which one call of the first was wrong is played, and red', async () => {
    cluster.rehearsal = ({ method, input }, response) =>
      rightAnswer(response, method === 'append' ? input : input === 93 ? 3 : expectedPi(Number(input)));
    const { ok, verdict } = await play('[]');
    assert.equal(ok, false);
    assert.deepEqual(verdict!.problems, [{ event: 'the table of pi', what: 'pi(93) was 3' }]);
  });

  it('that asks for what is not possible says so before anything is started', async () => {
    await assert.rejects(play('[{ at: 1s, do: drain }]'), ScenarioError);
    assert.deepEqual(cluster.done, []);
    await assert.rejects(play('[]', { report: join(directory, 'no', 'r.html') }), /there is no folder /);
    assert.deepEqual(cluster.done, []);
  });
});
