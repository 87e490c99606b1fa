import type { Workload } from './objects.ts';
import type { Release } from './release.ts';

/**
 * URL of the registry that a release uses, as its gateways are told it by EVENKEEL_REGISTRY; undefined where that is not in their
 * manifest. Names of Services become their addresses: a conductor outside of the cluster's DNS can use it as well.
 */
export function registryUrl(gateway: Workload, { namespace, addresses }: Release): string | undefined {
  const env = gateway.spec.template.spec.containers.flatMap((container) => container.env ?? []);
  const url = env.find(({ name }) => name === 'EVENKEEL_REGISTRY')?.value;
  if (url === undefined) return undefined;
  const [, scheme, authority, rest] = /^([a-z+]+):\/\/([^/?]*)(.*)$/s.exec(url) ?? [];
  if (scheme === undefined || authority === undefined) return url;
  // Without a namespace it is that of whoever asks.
  if (scheme === 'kubernetes') return authority === '' ? `kubernetes://${namespace}${rest}` : url;
  const hosts = authority.split(',').map((host) => {
    const [, name = '', port = ''] = /^([^:]*)(:\d+)?$/.exec(host) ?? [];
    const service = name.replace(new RegExp(`\\.${namespace}(\\.svc(\\..+)?)?$`), '');
    const address = addresses.get(service);
    if (address === undefined) return host;
    return `${address.includes(':') ? `[${address}]` : address}${port}`;
  });
  return `${scheme}://${hosts.join(',')}${rest}`;
}
