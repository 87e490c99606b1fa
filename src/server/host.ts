import { compose, type Handler } from '../core/call.ts';
import type { ServiceModule } from '../core/contract.ts';
import type { Load } from '../core/load.ts';
import { TimerWheel } from '../core/timer-wheel.ts';
import { type Listener, listen } from '../transport/listen.ts';
import { codecs } from '../wire/codec.ts';
import type { Hello } from '../wire/hello.ts';
import { Admission, type AdmissionOptions } from './admission.ts';
import { dispatch, type Invoke } from './dispatch.ts';
import { healthCheck } from './health.ts';
import { LoadMeter } from './load-meter.ts';
import type { FilledServeOptions } from './options.ts';
import type { Leaving } from './shutdown.ts';
import { serverStack } from './stack.ts';

/** A service behind its stack on a port, not yet announced: the part of a server that each worker process has. */
export interface Host extends Leaving {
  readonly port: number;
  readonly connections: number;
  readonly inFlight: number;
  /** What the process is busy with. To ask costs a measurement, once a second at most. */
  load(): Load;
  /** Takes other limits from now on. */
  limit(limits: AdmissionOptions): void;
  destroy(): void;
}

export interface HostOptions extends Omit<FilledServeOptions, 'registry' | 'advertise'> {
  /** Which of how many processes of the server this is. */
  worker: { index: number; of: number };
  /** Runs the handlers. Default: this thread does. */
  runner?: Runner;
}

/** What runs handlers somewhere else than beside the event loop. */
export interface Runner {
  readonly invoke: Invoke;
  readonly threads: number;
  /** Calls that wait for a thread. */
  readonly waiting: number;
}

/** Listens and serves. Rejects with one sentence where the port cannot be had. */
export async function host(module: ServiceModule, options: HostOptions): Promise<Host> {
  const { clock, log, limits, metrics, handlerTimeout, runner, worker } = options;
  const wheel = new TimerWheel(clock);
  const admission = new Admission(options, clock, wheel, options.random);
  const names = new Set([...Object.keys(module.service.methods), 'health']);
  const isMethod = (name: string) => names.has(name);
  const layers = serverStack({ clock, wheel, metrics, admission, handlerTimeout, isMethod });
  const inline: Invoke = (method, input, context) => module.handlers[method]!(input, context);
  const health = healthCheck(module.health?.bind(module), clock, log);
  const handler: Handler = compose(layers, dispatch(module, runner?.invoke ?? inline, health, log));
  const meter = new LoadMeter(clock, { processes: worker.of, threads: runner?.threads ?? 0 });
  const load = (): Load => {
    const waiting = runner?.waiting ?? 0;
    return { inFlight: admission.inFlight - waiting, queued: admission.queued + waiting, ...meter.read() };
  };
  let state: Hello['state'] = 'serving';

  const listener: Listener = await listen({
    handler,
    clock,
    limits,
    log,
    network: options.network,
    at: options.listen,
    hello: () => hello(module, options, state),
    load,
  });
  return {
    port: listener.port,
    get connections() {
      return listener.connections;
    },
    get inFlight() {
      return listener.inFlight;
    },
    load,
    limit: (limits) => admission.limit(limits),
    drain() {
      state = 'draining';
      listener.drain();
    },
    refuse: () => listener.refuse(),
    finish: (timeout) => listener.finish(timeout).finally(() => meter.stop()),
    destroy() {
      meter.stop();
      listener.destroy();
    },
  };
}

function hello(module: ServiceModule, options: HostOptions, state: Hello['state']): Hello {
  const { message, metadata, calls } = options.limits;
  const names = codecs.map((codec) => codec.name);
  const facts = (idempotent: boolean) => ({ idempotent, codecs: names, streaming: 'none' as const });
  const methods = Object.entries(module.service.methods).map(([name, { idempotent }]) => [name, facts(idempotent)]);
  return {
    version: 1,
    service: module.service.name,
    instance: options.id,
    worker: options.worker,
    state,
    limits: { message, metadata, calls },
    methods: Object.fromEntries([...methods, ['health', facts(true)]]),
    features: [],
  };
}
