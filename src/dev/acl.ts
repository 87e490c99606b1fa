/** Who may do what to a node: the schemes world, auth, ip and digest, as ZooKeeper has them without further set-up. */
import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import { type Acl, type Identity, permission, ZooKeeperError } from './protocol.ts';

/** Everybody may do everything: what most clients write. */
export const openAcl: readonly Acl[] = [{ permissions: 31, identity: { scheme: 'world', id: 'anyone' } }];

/** True if one of the identities, or everybody, has one of the permissions. A bit mask asks for any of its bits. */
export function allows(acl: readonly Acl[], wanted: number, identities: readonly Identity[]): boolean {
  return acl.some(({ permissions, identity }) => (permissions & wanted) !== 0 && matches(identity, identities));
}

function matches({ scheme, id }: Identity, identities: readonly Identity[]): boolean {
  if (scheme === 'world') return id === 'anyone';
  return identities.some((own) => own.scheme === scheme && own.id === id);
}

/**
 * The ACL as it is stored: `auth` stands for all that the connection proved to be; doubles are dropped.
 * Throws invalidAcl for an empty one, for unknown schemes, and for `auth` from somebody who proved nothing.
 */
export function resolveAcl(acl: readonly Acl[], identities: readonly Identity[]): readonly Acl[] {
  if (acl.length === 0) throw new ZooKeeperError('invalidAcl', 'it is empty');
  const resolved = new Map<string, Acl>();
  for (const entry of acl) {
    for (const identity of resolveIdentity(entry.identity, identities)) {
      const key = `${entry.permissions} ${identity.scheme} ${identity.id}`;
      resolved.set(key, { permissions: entry.permissions, identity });
    }
  }
  return [...resolved.values()];
}

function resolveIdentity(identity: Identity, identities: readonly Identity[]): readonly Identity[] {
  const { scheme, id } = identity;
  if (scheme === 'auth') {
    const proven = identities.filter((own) => own.scheme === 'digest');
    if (proven.length === 0) throw new ZooKeeperError('invalidAcl', 'auth, but the client did not authenticate');
    return proven;
  }
  const valid =
    (scheme === 'world' && id === 'anyone') ||
    (scheme === 'digest' && id.split(':').length === 2) ||
    (scheme === 'ip' && isIP(id) !== 0);
  if (!valid) throw new ZooKeeperError('invalidAcl', `${scheme}:${scheme === 'digest' ? '…' : id}`);
  return [identity];
}

/** The ACL as somebody without admin permission sees it: hashes of passwords are hidden. */
export function withoutHashes(acl: readonly Acl[], identities: readonly Identity[]): readonly Acl[] {
  if (allows(acl, permission.admin, identities)) return acl;
  return acl.map((entry) => {
    if (entry.identity.scheme !== 'digest') return entry;
    const user = entry.identity.id.split(':', 1)[0];
    return { ...entry, identity: { scheme: 'digest', id: `${user}:x` } };
  });
}

/** What `user:password` proves: `digest`, and `user:` with the hash that ACLs hold. */
export function digestIdentity(credentials: string): Identity {
  const user = credentials.split(':', 1)[0];
  return { scheme: 'digest', id: `${user}:${createHash('sha1').update(credentials).digest('base64')}` };
}
