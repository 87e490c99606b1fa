/** The four-letter words that people and probes ask a ZooKeeper, instead of a first packet. */

export interface Facts {
  zxid: bigint;
  nodes: number;
  connections: number;
  received: number;
  sent: number;
}

/** The answer to a word, or undefined if these four bytes are none. */
export function answerWord(word: string, facts: () => Facts): string | undefined {
  if (word === 'ruok') return 'imok';
  if (word === 'srvr' || word === 'stat') return describe(facts());
  if (otherWords.includes(word)) return `${word} is not executed because it is not in the whitelist.\n`;
  return undefined;
}

const otherWords = 'conf cons crst dirs dump envi gtmk hash isro mntr srst stmk wchc wchp wchs'.split(' ');

/** The lines that Apache ZooKeeper answers, as far as they mean something here. */
function describe({ zxid, nodes, connections, received, sent }: Facts): string {
  return [
    'Zookeeper version: evenkeel embedded, in memory',
    // Every request is answered in the tick in which it was read.
    'Latency min/avg/max: 0/0.0/0',
    `Received: ${received}`,
    `Sent: ${sent}`,
    `Connections: ${connections}`,
    'Outstanding: 0',
    `Zxid: 0x${zxid.toString(16)}`,
    'Mode: standalone',
    `Node count: ${nodes}`,
    '',
  ].join('\n');
}
