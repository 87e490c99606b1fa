/** The cluster that KUBECONFIG names, by `kubectl`. Pods are reached through the API server alone, never by their address. */
import { type CommandOptions, run } from './command.ts';

/** What `kubectl ARGS` writes. Rejects with its own words when it fails. */
export function kubectl(args: readonly string[], options?: CommandOptions): Promise<string> {
  return run('kubectl', args, options);
}

/** What `kubectl ARGS --output json` writes, parsed. */
export async function kubectlJson<T>(args: readonly string[], options?: CommandOptions): Promise<T> {
  return JSON.parse(await kubectl([...args, '--output', 'json'], options)) as T;
}

/** The objects of a kind in a namespace. `selector` is one of labels. */
export async function list<T>(namespace: string, kind: string, selector = ''): Promise<T[]> {
  const where = ['--namespace', namespace, ...(selector === '' ? [] : ['--selector', selector])];
  return (await kubectlJson<{ items: T[] }>(['get', kind, ...where])).items;
}

/** Applies objects, as a JSON list. */
export async function apply(namespace: string, objects: readonly object[]): Promise<void> {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  await kubectl(['apply', '--namespace', namespace, '--filename', '-'], { input });
}

export interface ExecOptions extends CommandOptions {
  /** Default: the pod's first. */
  container?: string;
}

/** Runs a program in a pod (`NAME`, or `deployment/NAME` for any of its) and gives its stdout. */
export function exec(namespace: string, pod: string, argv: readonly string[], options: ExecOptions = {}) {
  const container = options.container === undefined ? [] : ['--container', options.container];
  const stdin = options.input === undefined ? [] : ['--stdin'];
  return kubectl(['exec', '--namespace', namespace, pod, ...container, ...stdin, '--', ...argv], options);
}

export interface LogOptions {
  /** Of the container that ran before the last restart. */
  previous?: boolean;
  /** The last lines only. Default: all. */
  tail?: number;
}

/** What all containers of a pod have logged. */
export function logs(namespace: string, pod: string, { previous = false, tail = -1 }: LogOptions = {}) {
  const which = ['--all-containers', `--previous=${previous}`, `--tail=${tail}`];
  return kubectl(['logs', '--namespace', namespace, pod, ...which]);
}

/**
 * GET by way of the API server. `to` is `pods/NAME:PORT` or `services/NAME:PORT`; `path` begins with a slash. Rejects when
 * the answer is not 2xx; the error has the answer's body.
 */
export function proxyGet(namespace: string, to: string, path: string, options?: CommandOptions): Promise<string> {
  return kubectl(['get', '--raw', `/api/v1/namespaces/${namespace}/${to}/proxy${path}`], options);
}

/** POST by way of the API server, as `proxyGet`. */
export function proxyPost(namespace: string, to: string, path: string, body: string): Promise<string> {
  const url = `/api/v1/namespaces/${namespace}/${to}/proxy${path}`;
  return kubectl(['create', '--raw', url, '--filename', '-'], { input: body });
}
