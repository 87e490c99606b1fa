import type { Incident } from '../cluster.ts';
import type { Pod } from './objects.ts';
import { type Component, componentOf, PodLife } from './pod-life.ts';

/** Exit code of a program that SIGTERM ended. */
const terminated = 143;

/** All pods of a release that there ever were, as they were told of. */
export class Population {
  readonly #lives = new Map<string, PodLife>();
  readonly #now: () => number;
  readonly #onIncident: (incident: Incident) => void;
  readonly #isExpected: (component: Component) => boolean;
  /** How many times a container was seen started again, by the pod's uid. */
  readonly #restarts = new Map<string, number>();
  /** All that were there at first have been told of. */
  complete = false;

  /**
   * @param now ms since 1970
   * @param isExpected whether pods of a component may be told to go right now, as the test or an autoscaler wills. Default: always
   */
  constructor(
    now: () => number,
    onIncident: (incident: Incident) => void,
    isExpected: (component: Component) => boolean = () => true,
  ) {
    this.#now = now;
    this.#onIncident = onIncident;
    this.#isExpected = isExpected;
  }

  put(pod: Pod): void {
    const component = componentOf(pod);
    if (component === undefined) return;
    const { uid } = pod.metadata;
    let life = this.#lives.get(uid);
    const was = life?.phase;
    const toldBefore = life?.stoppedAt !== undefined;
    if (life === undefined) {
      life = new PodLife(pod, component, this.#now(), !this.complete);
      this.#lives.set(uid, life);
    } else life.see(pod, this.#now());
    this.#judge(life, was);
    if (was !== undefined && was !== 'gone' && !toldBefore) this.#judgeEnd(life);
  }

  gone(pod: Pod): void {
    const life = this.#lives.get(pod.metadata.uid);
    if (life === undefined) return;
    this.put(pod);
    if (life.stoppedAt === undefined && life.phase !== 'gone' && !this.#isExpected(life.component))
      this.#tell(`${life.name} vanished: nobody had told it to go`);
    life.removedAt = this.#now();
    life.goneAt ??= life.removedAt;
  }

  /** The registry holds these addresses now, and no others. */
  seeRegistered(addresses: readonly string[]): void {
    const there = new Set(addresses.map((address) => this.serverAt(address)));
    for (const life of this.all('server')) life.registration.see(there.has(life), this.#now());
  }

  /** The oldest first; those that are gone too. */
  all(component: Component): PodLife[] {
    return [...this.#lives.values()]
      .filter((life) => life.component === component)
      .sort((a, b) => a.startedAt - b.startedAt || (a.name < b.name ? -1 : 1));
  }

  /** Those that are not gone, told to go or not. */
  present(component: Component): PodLife[] {
    return this.all(component).filter(({ phase }) => phase !== 'gone');
  }

  ready(component: Component): PodLife[] {
    return this.all(component).filter(({ phase }) => phase === 'ready');
  }

  /** The one at an address: of several that had it in turn, the last. */
  serverAt(address: string): PodLife | undefined {
    return this.all('server').findLast((life) => life.at('rpc') === address);
  }

  /** Writes down what nobody ordered. */
  #judge(life: PodLife, was: PodLife['phase'] | undefined): void {
    const { main, name, pod } = life;
    const { uid } = pod.metadata;
    const known = this.#restarts.get(uid);
    const restarts = main?.restartCount ?? known ?? 0;
    this.#restarts.set(uid, restarts);
    // What was before we looked is not our matter.
    if (known === undefined && !this.complete) return;
    for (let more = restarts - (known ?? 0); more > 0; more--) {
      if (life.kills > 0) life.kills--;
      else this.#tell(`the container of ${name} ended by itself: ${endOf(main?.lastState?.terminated)}`);
    }
    if (was === 'gone' || life.phase !== 'gone') return;
    const { phase, reason } = pod.status ?? {};
    if (phase === 'Failed' && life.stoppedAt === undefined)
      this.#tell(`${name} failed: ${reason ?? 'no reason is said'}`);
    const end = main?.state?.terminated;
    // Java ends a JVM that is told to with 143.
    if (life.stoppedAt === undefined || life.component === 'zookeeper' || end === undefined) return;
    // What is told to before it has come so far as to hear signals, let alone to serve, ends by the signal.
    if (end.exitCode === 0 || (end.exitCode === terminated && life.readyAt === undefined)) return;
    this.#tell(`${name} did not end in good order when it was told to: ${endOf(end)}`);
  }

  /** Somebody may have told it to go. */
  #judgeEnd({ stoppedAt, component, name, pod }: PodLife): void {
    if (stoppedAt === undefined || this.#isExpected(component)) return;
    const said = pod.status?.conditions?.find(({ type, status }) => type === 'DisruptionTarget' && status === 'True');
    this.#tell(`${name} was told to go by somebody else${said?.reason === undefined ? '' : ` (${said.reason})`}`);
  }

  #tell(what: string): void {
    this.#onIncident({ at: this.#now(), what });
  }
}

function endOf(end: { exitCode: number; reason?: string } | undefined): string {
  if (end === undefined) return 'it is not known how';
  return `exit code ${end.exitCode}${end.reason === undefined || end.reason === 'Error' ? '' : ` (${end.reason})`}`;
}
