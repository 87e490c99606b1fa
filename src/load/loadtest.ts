import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isoTime, systemClock } from '../core/clock.ts';
import { KubernetesCluster, type KubernetesClusterOptions } from './kubernetes/cluster.ts';
import { connectApi } from './kubernetes/connect.ts';
import { keepReport } from './kubernetes/report-store.ts';
import { ProcessGuard } from './local/guard.ts';
import { type RunOptions, type RunResult, run } from './run.ts';

export interface LoadtestOptions
  extends Pick<RunOptions, 'scenario' | 'load' | 'report' | 'view' | 'signal' | 'deadline' | 'clock' | 'onMoment'>,
    Pick<KubernetesClusterOptions, 'namespace' | 'registry' | 'registryAuth' | 'gatewayUrl' | 'configure'> {
  /** Name of the release. Default: the only one in the namespace. */
  release?: string | undefined;
  /** Name of the ConfigMap that the report is kept in, also when it is red. Undefined: it is not kept. */
  configMap?: string | undefined;
}

/** It could not be begun: nothing is known of what was to be tested. The message is a sentence. */
export class NotBegun extends Error {
  override readonly name = 'NotBegun';
}

/**
 * Plays a scenario on a release of the chart, from a pod of its cluster. Whatever happens, what it changed is put back. A run that is
 * ended early is judged as far as it came.
 *
 * @throws NotBegun when there was no load: the scenario cannot be played there, the cluster cannot be reached, a right is missing,
 * it was ended before
 */
export async function runLoadtest(options: LoadtestOptions): Promise<RunResult> {
  const { scenario, view, clock = systemClock, release, configMap } = options;
  const directory = await mkdtemp(join(tmpdir(), 'evenkeel-loadtest-'));
  const guard = new ProcessGuard();
  guard.tidy(directory);
  let begun = false;
  const cluster = new KubernetesCluster({ ...options, clock, say: (sentence) => view.say(sentence) });
  try {
    const result = await run({
      ...options,
      ...{ directory, guard, clock, interrupted: 'report', title: `evenkeel loadtest ${scenario.name}` },
      cluster,
      starting: `Waiting until ${release ?? 'the release'} has ${scenario.servers} servers, all of them well ...`,
      onMoment(moment, load) {
        if (moment.kind === 'record' && moment.record.kind === 'sent') begun = true;
        options.onMoment?.(moment, load);
      },
    });
    if (result.verdict === undefined) {
      throw new Error(`it was ended by ${(options.signal.reason as Error).message} before there was any load`);
    }
    if (configMap !== undefined) await keep(configMap, result, cluster, { ...options, clock });
    return result;
  } catch (cause) {
    if (begun) throw cause;
    throw new NotBegun((cause as Error).message, { cause });
  } finally {
    await guard.close();
    await rm(directory, { recursive: true, force: true });
  }
}

/** Keeps the report where it outlives the pod. */
async function keep(
  name: string,
  { ok, verdict, documents }: RunResult,
  cluster: KubernetesCluster,
  { clock = systemClock, namespace, configure, scenario, view }: LoadtestOptions,
): Promise<void> {
  if (verdict === undefined || documents === undefined) return;
  const api = await connectApi({ clock, namespace, configure });
  const head = {
    name,
    // Where none was named it is the only one.
    release: cluster.release,
    scenario: scenario.name,
    at: isoTime(clock.wallTime()),
    ok,
    headline: verdict.headline,
  };
  const kept = await keepReport(api, head, documents);
  view.say(
    `The report is kept in the ConfigMap ${kept.join(', ')}: evenkeel loadtest report ${name} --namespace ${api.namespace}`,
  );
}
