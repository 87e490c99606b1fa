/** Names of our nodes. Those that hold entries: `rpc-<id>-<the server's ten digits>`. */

/** The folder that holds this one; '' for the root. */
export function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/'));
}

/** Where the live settings of the service in this folder are: beside it, so that no reader of the folder meets them. */
export function settingsPath(folder: string): string {
  return `${folder}-config`;
}

/** What a name begins with; ZooKeeper adds the number. */
export function entryPrefix(id: string): string {
  return `rpc-${id}-`;
}

/** True for the entries of this id, and not for those of an id that only begins like it. */
export function isEntryOf(name: string, id: string): boolean {
  const prefix = entryPrefix(id);
  return name.startsWith(prefix) && /^-?\d{10}$/.test(name.slice(prefix.length));
}

/** True for names as we make them. Such an entry is never changed, so that it needs to be read only once. */
export function isOurs(name: string): boolean {
  return /^rpc-.+-\d{10}$/.test(name);
}

/** The number at the end of a sequential name, -1 without one. Of two entries of one server the higher is the newer. */
export function sequence(name: string): number {
  const match = /(\d{10})$/.exec(name);
  return match === null ? -1 : Number(match[1]);
}
