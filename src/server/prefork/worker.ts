import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { ServiceModule } from '../../core/contract.ts';
import type { Acceptor, Network } from '../../transport/network.ts';
import { type Host, host, type Runner } from '../host.ts';
import { type ServeOptions, serveOptions } from '../options.ts';
import { shutdown } from '../shutdown.ts';
import type { ToPrimary, ToWorker, WorkerReport } from './messages.ts';

export interface WorkerOptions extends ServeOptions {
  worker: { index: number; of: number; id: string };
  /** Gives what runs handlers, once the module is there. Default: this thread does. */
  runner?: (module: ServiceModule) => Promise<Runner>;
  /** All metrics of the process as plain data. */
  metricsJson(): Promise<unknown>;
}

/**
 * Is a worker: serves the connections that the primary gives it, and goes away when told to, or when the primary is gone.
 * Resolves when it is done. Rejects where it cannot serve; the primary has then been told why.
 */
export async function runWorker(load: () => Promise<ServiceModule>, options: WorkerOptions): Promise<void> {
  // Attached before anything is waited for: a message that nobody listens to is lost.
  const channel = new PrimaryChannel();
  // Without a primary there is nobody to serve: a start that takes for ever must not outlive it.
  await Promise.race([work(channel, load, options), channel.lostAtStart]).catch(async (error) => {
    await channel.say({ say: 'failed', message: String((error as Error)?.message ?? error) });
    throw error;
  });
}

async function work(
  channel: PrimaryChannel,
  load: () => Promise<ServiceModule>,
  options: WorkerOptions,
): Promise<void> {
  const module = await load();
  try {
    await module.warmUp?.();
  } catch (cause) {
    throw new Error(`the module's warmUp failed: ${String((cause as Error)?.message ?? cause)}`, { cause });
  }
  const runner = await options.runner?.(module);
  const { index, of, id } = options.worker;
  const filled = serveOptions({ ...options, network: channel, id });
  const serving = await host(module, { ...filled, worker: { index, of }, ...(runner === undefined ? {} : { runner }) });
  const done = channel.obey(serving, filled, options.metricsJson);
  void channel.say({ say: 'ready', service: module.service.name });
  await done;
}

/** The other end of `WorkerProcess`: where connections and commands come from. */
class PrimaryChannel implements Network {
  #onStream: ((stream: Duplex) => void) | undefined;
  #onCommand: ((message: Exclude<ToWorker, { say: 'connection' }>) => void) | undefined;
  #orphaned: (() => void) | undefined;
  #accepting = true;
  readonly #lostAtStart = Promise.withResolvers<void>();

  constructor() {
    process.on('message', (message: ToWorker, socket: Socket | undefined) => {
      if (message.say !== 'connection') this.#onCommand?.(message);
      // A connection that ended on its way comes without a socket.
      else if (socket === undefined) void this.say({ say: 'closed', id: message.id });
      else this.#onConnection(message.id, socket);
    });
    process.on('disconnect', this.#onDisconnect);
    if (!process.connected) this.#onDisconnect();
  }

  /** Resolves when the primary is gone before this worker could serve. */
  get lostAtStart(): Promise<void> {
    return this.#lostAtStart.promise;
  }

  /** Resolves when it is on its way, or never will be. */
  say(message: ToPrimary): Promise<void> {
    return new Promise((resolve) => {
      // With a callback: the primary may be gone, which `disconnect` says better.
      if (process.connected) process.send!(message, () => resolve());
      else resolve();
    });
  }

  readonly #onDisconnect = (): void => {
    if (this.#orphaned === undefined) this.#lostAtStart.resolve();
    else this.#orphaned();
  };

  connect(): Duplex {
    throw new Error('a worker is connected to, and does not connect');
  }

  async listen(at: { port: number }, onStream: (stream: Duplex) => void): Promise<Acceptor> {
    this.#onStream = onStream;
    return {
      port: at.port,
      stop: async () => {
        this.#accepting = false;
      },
    };
  }

  /** Does what the primary says until the last of it is done. Without a primary, it goes away as if it were told to. */
  obey(serving: Host, options: ReturnType<typeof serveOptions>, metrics: () => Promise<unknown>): Promise<void> {
    const { clock, log } = options;
    return new Promise((resolve) => {
      this.#onCommand = (message) => {
        if (message.say === 'drain') serving.drain();
        else if (message.say === 'refuse') void serving.refuse();
        else if (message.say === 'limits') serving.limit(message.limits);
        else if (message.say === 'finish') void serving.finish(message.timeout).then(resolve);
        else void report(serving, metrics).then((facts) => this.say({ say: 'report', id: message.id, report: facts }));
      };
      this.#orphaned = () => {
        log.warn({}, 'the primary process is gone: going away');
        const nothing = async () => {};
        const steps = { unready: () => {}, withdraw: nothing, serving, closeRegistry: nothing };
        void shutdown(steps, { ...options, clock }).then(resolve);
      };
    });
  }

  #onConnection(id: number, socket: Socket): void {
    socket.on('error', () => {});
    socket.once('close', () => void this.say({ say: 'closed', id }));
    // Said, and the word on its way, before a byte is touched: what is not said to be taken, another worker may get.
    void this.say({ say: 'taken', id }).then(() => this.#serve(socket));
  }

  #serve(socket: Socket): void {
    socket.setNoDelay(true);
    socket.setKeepAlive(true, 30_000);
    // Half-open: a peer that has said all it wants may still read our answers.
    socket.allowHalfOpen = true;
    if (!this.#accepting || this.#onStream === undefined) {
      socket.destroy();
      return;
    }
    this.#onStream(socket);
    socket.resume();
  }
}

async function report(serving: Host, metrics: () => Promise<unknown>): Promise<WorkerReport> {
  const { connections, inFlight } = serving;
  return { connections, inFlight, load: serving.load(), metrics: await metrics() };
}
