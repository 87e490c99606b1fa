/** What a client of ZooKeeper may do to what servers registered: with the registry's secret, and without. */
import type { Release } from '../support/release.ts';

/** The name of the error, or what came of it: `ok`, or the names of the entries. */
export interface Probed {
  children: string[] | string;
  data: string;
  change: string;
  remove: string;
  register: string;
  configure: string;
}

/**
 * Tries everything on the folder of a service, from a gateway's pod. Who has the secret only reads; a stranger tries to do harm,
 * too, to this entry.
 */
export async function probe(release: Release, folder: string, as: 'owner' | { strangerTo: string }): Promise<Probed> {
  const entry = as === 'owner' ? undefined : as.strangerTo;
  return JSON.parse(await release.script(source(folder, entry))) as Probed;
}

function source(folder: string, entry: string | undefined): string {
  return `
    import { readFileSync } from 'node:fs';
    import zookeeper from '/app/node_modules/node-zookeeper-client/index.js';
    const [, hosts] = /^zookeeper:\\/\\/([^/]+)/.exec(process.env.EVENKEEL_REGISTRY);
    const client = zookeeper.createClient(hosts, { sessionTimeout: 10_000 });
    const entry = ${JSON.stringify(entry)};
    if (entry === undefined) {
      const secret = readFileSync(process.env.EVENKEEL_REGISTRY_AUTH_FILE, 'utf8').trim();
      client.addAuthInfo('digest', Buffer.from(secret.replace(/^digest:/, '')));
    }
    const connected = new Promise((resolve) => client.once('connected', resolve));
    client.connect();
    await connected;
    const attempt = (deed, ...args) =>
      new Promise((resolve) => {
        client[deed](...args, (error, result) => resolve(error ? error.name : Array.isArray(result) ? result : 'ok'));
      });
    const folder = ${JSON.stringify(folder)};
    const nothing = Buffer.from('{}');
    const { PERSISTENT, EPHEMERAL_SEQUENTIAL } = zookeeper.CreateMode;
    const open = zookeeper.ACL.OPEN_ACL_UNSAFE;
    const children = await attempt('getChildren', folder);
    const path = folder + '/' + (entry ?? children[0]);
    const probed = { children, data: await attempt('getData', path) };
    if (entry !== undefined) {
      probed.change = await attempt('setData', path, nothing, -1);
      probed.remove = await attempt('remove', path, -1);
      probed.register = await attempt('create', folder + '/rpc-', nothing, open, EPHEMERAL_SEQUENTIAL);
      probed.configure = await attempt('create', folder + '-config', nothing, open, PERSISTENT);
    }
    console.log(JSON.stringify(probed));
    client.close();
    process.exit();
  `;
}
