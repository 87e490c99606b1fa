/** A real Apache ZooKeeper as a child process: what the embedded one and the registry are checked against. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '../../src/core/clock.ts';
import { apacheZooKeeperHome } from './apache-zookeeper-jars.ts';

export { apacheZooKeeperVersion } from './apache-zookeeper-jars.ts';

export interface ApacheZooKeeperOptions {
  /** Port on 127.0.0.1. Default: a free one. */
  port?: number;
  /** Folder of its log and snapshots. Default: a fresh one, removed when this process exits. */
  dataDir?: string;
  /** ms. Sessions last 2 to 20 ticks. Default 500, so that sessions of 1 s are allowed. */
  tickTime?: number;
  /** More lines for zoo.cfg, e.g. `maxSessionTimeout=60000`. */
  config?: readonly string[];
}

export interface ApacheZooKeeper {
  /** `127.0.0.1:port` */
  readonly connect: string;
  readonly port: number;
  readonly dataDir: string;
  /** Of the Java process; of the last one when it is stopped. */
  readonly pid: number;
  /** Ends it and waits for that. Its data stays, for `restart`. Default signal SIGTERM; SIGKILL follows after 10 s. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Freezes the process: sockets stay open, nothing answers. */
  pause(): void;
  resume(): void;
  /** Stops it if it runs, and starts it on the same port with the same data; resolves when it serves. */
  restart(): Promise<void>;
}

/** Why a real one cannot be started here, or undefined if it can. Fetches the jars on the first call (seconds). */
export async function apacheZooKeeperMissing(): Promise<string | undefined> {
  return apacheZooKeeperHome().then(
    () => undefined,
    (cause: Error) => cause.message,
  );
}

/** Starts one and waits until it serves. Rejects with the tail of its log if it does not within 60 s. */
export async function startApacheZooKeeper(options: ApacheZooKeeperOptions = {}): Promise<ApacheZooKeeper> {
  const home = await apacheZooKeeperHome();
  const dataDir = options.dataDir ?? temporaryFolder();
  // A free port may be taken by someone else before Java binds it: then another one is tried.
  for (let attempt = 1; ; attempt++) {
    const port = options.port ?? (await freePort());
    try {
      return await startOn(home, port, dataDir, options);
    } catch (cause) {
      if (options.port !== undefined || attempt === 5 || !/already in use/.test(String(cause))) throw cause;
    }
  }
}

async function startOn(home: string, port: number, dataDir: string, options: ApacheZooKeeperOptions) {
  const config = join(dataDir, 'zoo.cfg');
  const logFile = join(dataDir, 'zookeeper.log');
  mkdirSync(dataDir, { recursive: true });
  writeFileSync(
    config,
    [
      `tickTime=${options.tickTime ?? 500}`,
      `dataDir=${dataDir}`,
      'clientPortAddress=127.0.0.1',
      `clientPort=${port}`,
      'admin.enableServer=false',
      '4lw.commands.whitelist=ruok,srvr,stat,cons,mntr,conf',
      'maxClientCnxns=0',
      ...(options.config ?? []),
    ].join('\n'),
  );
  const java = [
    ...['-Xmx128m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
    // Tests ask for no durability against power cuts, and for no 64 MiB log file each.
    ...['-Dzookeeper.forceSync=no', '-Dzookeeper.preAllocSize=1024'],
    `-Dlogback.configurationFile=${join(home, 'logback.xml')}`,
    ...['-cp', join(home, 'lib/*'), 'org.apache.zookeeper.server.ZooKeeperServerMain', config],
  ];

  let child = await launch(java, port, dataDir, logFile);
  const stop = async (signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM') => {
    if (ended(child)) return;
    const exit = once(child, 'exit');
    child.kill(signal);
    child.kill('SIGCONT');
    const hard = systemClock.timer(10_000, () => child.kill('SIGKILL'));
    await exit;
    hard.cancel();
  };
  return {
    connect: `127.0.0.1:${port}`,
    port,
    dataDir,
    get pid() {
      return child.pid!;
    },
    stop,
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    async restart() {
      await stop();
      child = await launch(java, port, dataDir, logFile);
    },
  } satisfies ApacheZooKeeper;
}

/** Starts Java and resolves when it serves on the port. */
async function launch(args: readonly string[], port: number, dataDir: string, logFile: string): Promise<ChildProcess> {
  const log = openSync(logFile, 'a');
  const child = spawn('java', args, { stdio: ['ignore', log, log] });
  closeSync(log);
  await once(child, 'spawn');
  endWithUs(child);
  const deadline = systemClock.now() + 60_000;
  for (;;) {
    // `conf` names the data folder: an "imok" could come from someone else's ZooKeeper on a port that we lost.
    const conf = await fourLetterWord(port, 'conf').catch(() => '');
    if (conf.includes(`dataDir=${dataDir}`)) return child;
    const dead = ended(child);
    if (dead || systemClock.now() > deadline) {
      child.kill('SIGKILL');
      const tail = readFileSync(logFile, 'utf8').split('\n').slice(-25).join('\n');
      throw new Error(`Apache ZooKeeper ${dead ? 'exited' : 'does not serve'} on port ${port}:\n${tail}`);
    }
    await systemClock.sleep(50);
  }
}

/** Java must not outlive us, even when we are killed: then the pipe of a small shell closes, and it does the killing. */
function endWithUs(child: ChildProcess): void {
  const script = 'cat > /dev/null; kill -9 "$0"';
  const watcher = spawn('sh', ['-c', script, String(child.pid)], { stdio: ['pipe', 'ignore', 'ignore'] });
  watcher.unref();
  watcher.stdin.on('error', () => {});
  (watcher.stdin as unknown as { unref(): void }).unref();
  child.once('exit', () => watcher.kill('SIGKILL'));
}

function ended(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}

const temporaryFolders: string[] = [];

function temporaryFolder(): string {
  if (temporaryFolders.length === 0) {
    process.once('exit', () => {
      for (const folder of temporaryFolders) rmSync(folder, { recursive: true, force: true });
    });
  }
  const folder = mkdtempSync(join(tmpdir(), 'evenkeel-zookeeper-'));
  temporaryFolders.push(folder);
  return folder;
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

/** Asks a ZooKeeper on 127.0.0.1 one of its four-letter words. Rejects when it is not there or silent for 5 s. */
export async function fourLetterWord(port: number, word: string): Promise<string> {
  const socket = connect(port, '127.0.0.1');
  const timer = systemClock.timer(5_000, () => socket.destroy(new Error(`no answer to ${word} within 5 s`)));
  try {
    socket.setEncoding('latin1');
    socket.write(word);
    let text = '';
    for await (const part of socket) text += part;
    return text;
  } finally {
    timer.cancel();
    socket.destroy();
  }
}
