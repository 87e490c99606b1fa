import type { BrokerOptions } from 'moleculer';

/** All defaults, except that the nodes are named instead of found by UDP, and that nothing is printed. */
export function brokerOptions(nodeID: string, transporter: { port: number; urls: string }): BrokerOptions {
  return {
    nodeID,
    logger: false,
    transporter: { type: 'TCP', options: { udpDiscovery: false, useHostname: false, ...transporter } },
  };
}
