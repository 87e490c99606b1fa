import type { BrokerOptions } from 'moleculer';
import { host } from '../../contender.ts';

/** Name and address of every server, as the transporter wants them. */
export const urls = (ports: readonly number[]) =>
  ports.map((port, place) => `tcp://${host}:${port}/server-${place}`).join(',');

/**
 * Its production options. The TCP transporter turns heartbeats off and gossips instead; 1 s is the shortest period that it
 * takes. Nodes are named instead of found by UDP.
 */
export function brokerOptions(nodeID: string, port: number, ports: readonly number[]): BrokerOptions {
  return {
    nodeID,
    logger: false,
    heartbeatInterval: 1,
    heartbeatTimeout: 3,
    // A server that stops finishes what runs.
    tracking: { enabled: true, shutdownTimeout: 5_000 },
    transporter: {
      type: 'TCP',
      options: { udpDiscovery: false, useHostname: false, port, urls: urls(ports), gossipPeriod: 1 },
    },
  };
}
