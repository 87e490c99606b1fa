/** Who may do what to the nodes that we make, and whether one that is there already belongs to our secret. */
import { createHash } from 'node:crypto';
import zookeeper, { type Acl } from 'node-zookeeper-client';
import type { DialOptions, Kind } from './link.ts';

const { READ, CREATE, ADMIN, ALL } = zookeeper.Permission;
const anybody = (permission: number) => new zookeeper.ACL(permission, zookeeper.Id.ANYONE_ID_UNSAFE);

const secrets = zookeeper.ACL.CREATOR_ALL_ACL;
const sharedBySecrets = [...secrets, anybody(READ | CREATE)];
/** Nobody may change these rights: else a stranger could make the node his own, and lock out everybody else for good. */
const everybodys = [anybody(ALL & ~ADMIN)];

/** The rights that a new node gets. */
export function rightsOf(kind: Kind, auth: DialOptions['auth']): Acl[] {
  if (auth === undefined) return everybodys;
  return kind === 'shared' ? sharedBySecrets : secrets;
}

/** How ZooKeeper may be set up to hash what ACLs hold; SHA-1 unless told otherwise. */
const digests = ['sha1', 'sha256', 'sha384', 'sha512'];

/**
 * To whom a node belongs that is not this secret's alone; `undefined` if it is. Others may read it. That they may not write is
 * not enough: a stranger could make a node that nobody may write, with what it shall say in it.
 */
export function otherOwner(acl: readonly Acl[], { scheme, secret }: NonNullable<DialOptions['auth']>) {
  const user = secret.slice(0, secret.indexOf(':'));
  const ids = digests.map((name) => `${user}:${createHash(name).update(secret).digest('base64')}`);
  const isOurs = ({ id }: Acl) => id.scheme === scheme && ids.includes(id.id);
  const others = acl.filter((entry) => !isOurs(entry) && (entry.permission & ~READ) !== 0);
  if (others.some(({ id }) => id.scheme === 'world')) return 'everybody';
  const ours = acl.some((entry) => isOurs(entry) && (entry.permission & ADMIN) !== 0);
  return others.length > 0 || !ours ? 'others' : undefined;
}
