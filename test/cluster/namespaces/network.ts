/** Cables between the machines: a bridge in the first one, a pair of virtual interfaces for each other one, and routes. */
import { output, succeeds } from '../run.ts';
import type { Layout } from './layout.ts';
import { inMachine } from './machine.ts';

const bridge = 'nodes';

/** Connects machines that are on. What is connected already stays as it is. */
export async function connectMachines(layout: Layout, numbers: readonly number[]): Promise<void> {
  const inFirst = inMachine(layout, 1, 'network');
  for (const number of numbers) {
    const inside = inMachine(layout, number, 'network');
    const { address } = layout.node(number);
    const own = number === 1 ? bridge : 'uplink';
    if (!(await succeeds([...inside, 'ip', 'link', 'show', own]))) {
      if (number === 1) {
        await ip(inFirst, [`link add ${bridge} type bridge`]);
      } else {
        // The other end is made in place: nothing of it is ever seen outside.
        const there = inside[1]!.slice('--net='.length);
        const cable = `node${number}`;
        await succeeds([...inFirst, 'ip', 'link', 'delete', cable]);
        await output([
          ...inFirst,
          'ip',
          'link',
          'add',
          cable,
          'type',
          'veth',
          'peer',
          'name',
          own,
          'netns',
          pidOf(there),
        ]);
        await ip(inFirst, [`link set ${cable} master ${bridge}`, `link set ${cable} up`]);
      }
      await ip(inside, ['link set lo up', `address add ${address}/24 dev ${own}`, `link set ${own} up`]);
      await output([...inside, 'sysctl', '-qw', 'net.ipv4.ip_forward=1']);
    }
    // An address of a Service is no network's: without any route a packet for it is refused before it is rewritten.
    // There is no gateway: what is really meant for elsewhere ends here.
    await ip(inside, [
      `route replace default dev ${own}`,
      ...numbers
        .filter((other) => other !== number)
        .map((other) => `route replace ${layout.node(other).podRange} via ${layout.node(other).address}`),
    ]);
  }
}

async function ip(where: readonly string[], lines: readonly string[]): Promise<void> {
  await output([...where, 'ip', '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

function pidOf(path: string): string {
  return path.split('/')[2]!;
}
