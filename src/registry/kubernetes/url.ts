import type { Protocol } from '../../core/endpoint.ts';
import { checkKeys, readInteger } from '../url.ts';
import type { Wanted } from './slices.ts';

export interface KubernetesUrl extends Wanted {
  url: string;
  /** Undefined for the pod's own, or outside of a cluster for the kubeconfig's. */
  namespace: string | undefined;
  service: string;
}

/** What Kubernetes allows as the name of a namespace, a service or a port of one. */
const label = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;

/** @throws a sentence */
export function readKubernetesUrl(rest: string): KubernetesUrl {
  const match = /^\/\/([^/?]*)(?:\/([^?]*))?(?:\?(.*))?$/s.exec(rest);
  const [, namespace = '', service = '', query = ''] = match ?? [];
  if (service === '') {
    throw new Error(
      `"kubernetes:${rest}" names no service: expected kubernetes://NAMESPACE/SERVICE, or kubernetes:///SERVICE for the pod's own namespace.`,
    );
  }
  if (namespace !== '' && !label.test(namespace)) {
    throw new Error(`"${namespace}" is no valid namespace: expected 1..63 of a-z, 0-9 and -.`);
  }
  if (!label.test(service)) throw new Error(`"${service}" is no valid service: expected 1..63 of a-z, 0-9 and -.`);
  const facts = new Map(
    query
      .split('&')
      .filter((pair) => pair !== '')
      .map((pair) => {
        const at = pair.indexOf('=');
        return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)];
      }),
  );
  checkKeys('The kubernetes URL', facts.keys(), ['port', 'protocol', 'family']);
  return {
    url: `kubernetes:${rest}`,
    namespace: namespace === '' ? undefined : namespace,
    service,
    port: readPort(facts.get('port')),
    protocol: readProtocol(facts.get('protocol') ?? 'framed'),
    family: readFamily(facts.get('family') ?? 'ipv4'),
  };
}

function readPort(text: string | undefined): Wanted['port'] {
  if (text === undefined) return undefined;
  if (/^\d+$/.test(text)) return readInteger('port', text, 1, 65_535);
  if (!label.test(text)) throw new Error(`port=${text} is no valid port: expected the name of a port, or 1..65535.`);
  return text;
}

function readProtocol(text: string): Protocol {
  if (text === 'framed' || text === 'classic') return text;
  throw new Error(`protocol=${text} is not allowed: expected framed or classic.`);
}

function readFamily(text: string): Wanted['family'] {
  if (text === 'ipv4') return 'IPv4';
  if (text === 'ipv6') return 'IPv6';
  throw new Error(`family=${text} is not allowed: expected ipv4 or ipv6.`);
}
