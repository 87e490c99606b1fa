import type { ClusterState, NodeState, ServerState } from '../cluster.ts';
import { commonView } from '../gateways.ts';
import { count, shortName, time } from '../report/words.ts';
import type { Snapshot } from './model.ts';
import type { Paint } from './paint.ts';

/** A bar has two cells for each halving of the weight: 1024 is full, 1 is the last cell. */
const barCells = 22;

/** The lines of the live view. */
export function frame(snapshot: Snapshot, title: string, paint: Paint): string[] {
  const { state, played, playing } = snapshot;
  const nodes = state === undefined ? [] : commonView(state);
  const shown = (state?.servers ?? []).filter(({ phase, goneAt }) => phase !== 'gone' || state!.at - goneAt! < 3000);
  return [
    `${paint.bold(title)}   ${clock(snapshot)}`,
    '',
    `calls ${paint.bold(count(snapshot.calls))}   ${Math.round(snapshot.rate)}/s   p50 ${time(snapshot.p50)}   p99 ${time(snapshot.p99)}   ${trouble(snapshot, paint)}`,
    [servers(state), ...around(state)].join('; '),
    '',
    ...shown.map((server) => {
      const node = nodes.find((one) => one.server === server.name);
      return serverLine(server, node, paint);
    }),
    '',
    ...played.map((event) => eventLine(event.name, event.settledAt, event.at, event.problem, paint)),
    ...(playing === undefined ? [] : [paint.bold(`▶ ${playing.name}`)]),
  ];
}

function servers(state: ClusterState | undefined): string {
  const { desired = 0, ready = 0, registered } = state ?? {};
  const said = registered === undefined ? 'no word from ZooKeeper' : `${registered} registered`;
  return `servers: ${desired} wanted, ${ready} ready, ${said}`;
}

/** What there is besides servers: several gateways, an autoscaler. */
function around(state: ClusterState | undefined): string[] {
  const { gateways = [], desiredGateways = 1, autoscaler } = state ?? {};
  const ready = gateways.filter(({ phase }) => phase === 'ready').length;
  return [
    ...(desiredGateways === 1 ? [] : [`gateways: ${ready} of ${desiredGateways} ready`]),
    ...(autoscaler ? [`autoscaler: wants ${autoscaler.desired} of ${autoscaler.min} to ${autoscaler.max}`] : []),
  ];
}

function clock({ elapsed, remaining }: Snapshot): string {
  if (elapsed === undefined) return 'the load begins';
  return `${Math.floor(elapsed / 1000)} s played, about ${Math.ceil(remaining / 1000)} s to go`;
}

function trouble({ failed, retried, unknown }: Snapshot, paint: Paint): string {
  const words = `failed ${failed}`;
  return `${failed > 0 ? paint.bad(words) : paint.good(words)}   sent again ${retried}   unknown ${unknown}`;
}

function serverLine({ name, phase }: ServerState, node: NodeState | undefined, paint: Paint): string {
  const head = shortName(name).padEnd(10);
  if (phase === 'gone') return `${head} ${paint.soft('gone')}`;
  if (node === undefined) return `${head} ${paint.soft(phase === 'starting' ? 'starting' : 'not seen by the gateway')}`;
  const word = phase === 'unready' ? 'does not answer' : phase === 'stopping' ? 'told to stop' : node.state;
  const share = `${Math.round(node.share * 100)} %`.padStart(5);
  const figures = `${String(Math.round(node.weight)).padStart(5)} ${share} ${String(node.inFlight).padStart(4)} in flight`;
  const well = node.state === 'live' && node.weight >= node.base;
  return `${head} ${well ? paint.good(bar(node)) : paint.warn(bar(node))} ${figures}   ${well ? word : paint.warn(word)}`;
}

/** How much of its weight a node has left; nothing while it gets no calls. */
export function bar({ weight, base, state }: Pick<NodeState, 'weight' | 'base' | 'state'>): string {
  const steps = Math.log2(base) + 1;
  const part = state === 'live' ? Math.max(0, Math.log2(Math.max(1, weight)) + 1) / steps : 0;
  const full = Math.min(barCells, Math.max(state === 'live' ? 1 : 0, Math.round(part * barCells)));
  return '█'.repeat(full) + '░'.repeat(barCells - full);
}

/** One event, played. */
export function eventLine(
  name: string,
  settledAt: number | undefined,
  at: number,
  problem: string | undefined,
  paint: Paint,
): string {
  if (problem !== undefined) return `${paint.bad('✘')} ${name}: ${problem}`;
  return `${paint.good('✔')} ${name}${paint.soft(settledAt === undefined ? '' : `   settled after ${time(settledAt - at)}`)}`;
}

/** The same in one line, for output that cannot be redrawn. */
export function statusLine(snapshot: Snapshot): string {
  const { state } = snapshot;
  const weights = (state === undefined ? [] : commonView(state)).map(({ server, weight, state }) => {
    return `${shortName(server ?? 'unknown')} ${state === 'live' ? Math.round(weight) : state}`;
  });
  const figures = `${Math.round(snapshot.rate)}/s, p50 ${time(snapshot.p50)}, p99 ${time(snapshot.p99)}`;
  return `${figures}, failed ${snapshot.failed}, unknown ${snapshot.unknown}, sent again ${snapshot.retried}; weights: ${weights.join(', ')}`;
}
