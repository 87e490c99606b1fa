import { chooseProvider, clusterOptions } from '../../cluster/choose.ts';
import type { Provider } from '../../cluster/provider.ts';

/** What a test may do to the cluster that cannot be done through its API. */
export interface Outside {
  /** It was made for tests: a node may be drained of all that runs there. */
  ours: boolean;
  /** Undefined: nobody but Kubernetes reaches the processes. */
  signal: Provider['signal'];
}

/** As far as it is known which cluster this is: `npm run e2e` says so. */
export async function outside(): Promise<Outside> {
  if (!process.env.EVENKEEL_CLUSTER) return { ours: false, signal: undefined };
  const provider = await chooseProvider(clusterOptions());
  return { ours: provider.name !== 'existing', signal: provider.signal };
}
